package merchantgateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

func TestADriftedDocumentIsSaid(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	keys := s.GatewayDocument(t, gateway, nil).SigningKeys
	var want []string
	said := func(object, drift string) {
		t.Helper()
		want = append(want, fmt.Sprintf("DocumentRepaired The serving document %s was %s by somebody else and has been restored", object, drift))
		slices.Sort(want)
		testenv.Eventually(t, func() error {
			got := slices.DeleteFunc(s.Events(t, gateway), func(event string) bool { return !strings.HasPrefix(event, "DocumentRepaired ") })
			slices.Sort(got)
			if !slices.Equal(got, want) {
				return fmt.Errorf("the events are %q, want %q", got, want)
			}
			return nil
		})
	}
	for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
		object := s.DocumentObject(kind, gateway)
		s.Update(t, object, func() { object.SetLabels(nil) })
		said(object.GetName(), "edited")
		s.Delete(t, object)
		said(object.GetName(), "deleted")
	}
	s.WaitReady(t, gateway)
	if got := s.GatewayDocument(t, gateway, nil).SigningKeys; !slices.Equal(got, keys) {
		t.Errorf("the signing keys were %v and are %v: every token has died", keys, got)
	}
	if missing := s.GatewayDocument(t, gateway, nil).Missing(s.GatewaySecrets(t, gateway, nil)); missing != "" {
		t.Errorf("GatewaySecrets lacks %s", missing)
	}
}

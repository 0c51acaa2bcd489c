package merchantgateway_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestARotatedDeliverySigningSecretReachesTheServers: a person adds a new secret beside the former one and removes that later; nobody touches the gateway.
func TestARotatedDeliverySigningSecretReachesTheServers(t *testing.T) {
	t.Parallel()
	text := func(name string) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(name, 5)))
	}
	former, next := text("former "), text("the next ")
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	secret := s.UserSecret("acme-signing", map[string]string{v1alpha1.KeySigningSecret: former})
	gateway := s.Gateway("acme", "MGW_000001")
	gateway.Spec.Delivery.Signing = &v1alpha1.DeliverySigning{SecretRef: &v1alpha1.SecretReference{Name: secret.Name}}
	s.Create(t, secret, gateway)
	s.WaitReady(t, gateway)

	// signsWith waits until servers sign with just these, the first one first.
	signsWith := func(want ...string) {
		t.Helper()
		document := s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
			if len(d.Delivery.SigningSecrets) != len(want) {
				return fmt.Errorf("the document names %v", d.Delivery.SigningSecrets)
			}
			return nil
		})
		s.GatewaySecrets(t, gateway, func(d *serving.GatewaySecrets) error {
			held := map[string]string{}
			for _, one := range d.SigningSecrets {
				held[one.ID] = one.Secret.Reveal()
			}
			var got []string
			for _, id := range document.Delivery.SigningSecrets {
				got = append(got, held[id])
			}
			if !slices.Equal(got, want) || len(held) != len(want) {
				return fmt.Errorf("servers sign with %d secrets, which are not the ones that are wanted", len(held))
			}
			return nil
		})
	}
	signsWith(former)
	s.Update(t, secret, func() {
		secret.StringData = map[string]string{v1alpha1.KeySigningSecret: next, v1alpha1.KeyPreviousSigningSecret: former}
	})
	signsWith(next, former)
	s.Update(t, secret, func() { delete(secret.Data, v1alpha1.KeyPreviousSigningSecret) })
	signsWith(next)
	s.MustNotShow(t, former, next)
}

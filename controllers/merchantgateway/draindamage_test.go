package merchantgateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestTheGeneratedSecretIsNotMadeAgainWhileAGatewayDrains: in a foreground deletion the garbage collector deletes it, again and again.
func TestTheGeneratedSecretIsNotMadeAgainWhileAGatewayDrains(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	calls := &testenv.Calls{}
	s.StartOperator(t, calls.Funcs())
	gateway := draining(t, s)
	secret := s.Secret(gateway.Status.SigningSecretName)
	before := s.GatewayDocument(t, gateway, nil).Delivery.SigningSecrets
	looks, writes := calls.Reads("Secret", secret.Name), len(calls.Writes())
	s.Delete(t, secret)
	testenv.Eventually(t, func() error {
		// The second look begins when the first one has written what it writes.
		if got := calls.Reads("Secret", secret.Name) - looks; got < 2 {
			return fmt.Errorf("it was looked at %d times", got)
		}
		return nil
	})
	if got := calls.Writes()[writes:]; len(got) > 0 {
		t.Errorf("it wrote %q", got)
	}
	document := s.GatewayDocument(t, gateway, nil)
	if missing := document.Missing(s.GatewaySecrets(t, gateway, nil)); missing != "" || !slices.Equal(document.Delivery.SigningSecrets, before) {
		t.Errorf("servers sign with %v and lack %q, before with %v", document.Delivery.SigningSecrets, missing, before)
	}
	s.Replica.Undelivered(gateway, 0)
	mustBeGone(t, s, gateway)
}

// damaged deletes a gateway and damages its documents of these kinds while no operator runs: servers serve the last good ones.
func damaged(t *testing.T, change func(gateway *v1alpha1.MerchantGateway), kinds ...serving.Kind) (*testenv.Setting, *v1alpha1.MerchantGateway) {
	t.Helper()
	s := cluster.NewSetting(t)
	operator := s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	change(gateway)
	s.Create(t, s.UserSecret("acme-ca", map[string]string{"ca.crt": testenv.CA(t, "acme")}), gateway)
	s.WaitReady(t, gateway)
	s.Replica.Undelivered(gateway, 12)
	operator.Stop()
	for _, kind := range kinds {
		object := s.DocumentObject(kind, gateway)
		s.WaitFor(t, object, func() error { return nil })
		s.Update(t, object, func() { testenv.SetDocument(object, []byte("{")) })
	}
	s.Delete(t, gateway)
	return s, gateway
}

// TestADamagedDocumentIsMadeAgainToDrain: it does not say that nothing was taken.
func TestADamagedDocumentIsMadeAgainToDrain(t *testing.T) {
	t.Parallel()
	for name, kinds := range map[string][]serving.Kind{
		"the Gateway document": {serving.KindGateway},
		"both documents":       {serving.KindGateway, serving.KindGatewaySecrets},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, gateway := damaged(t, func(*v1alpha1.MerchantGateway) {}, kinds...)
			s.StartOperator(t, interceptor.Funcs{})
			waitUndelivered(t, s, gateway, 12)
			document := s.GatewayDocument(t, gateway, nil)
			if missing := document.Missing(s.GatewaySecrets(t, gateway, nil)); missing != "" || !document.Draining {
				t.Errorf("draining is %t, and servers lack %q", document.Draining, missing)
			}
			s.Replica.Undelivered(gateway, 0)
			mustBeGone(t, s, gateway)
		})
	}
}

// TestADamagedDocumentThatCannotBeMadeAgain waits until somebody mends what it is made from, or gives up what waits.
func TestADamagedDocumentThatCannotBeMadeAgain(t *testing.T) {
	t.Parallel()
	withCA := func(gateway *v1alpha1.MerchantGateway) {
		gateway.Spec.Delivery.TLS = &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "acme-ca"}}
	}
	for name, end := range map[string]func(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway){
		"until it is mended": func(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway) {
			s.Create(t, s.UserSecret("acme-ca", map[string]string{"ca.crt": testenv.CA(t, "acme")}))
			waitUndelivered(t, s, gateway, 12)
			s.Replica.Undelivered(gateway, 0)
		},
		"until the notifications are given up": func(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway) {
			s.Update(t, gateway, func() { gateway.Spec.DeletionPolicy = v1alpha1.DeletionDiscard })
		},
	} {
		for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
			t.Run(fmt.Sprintf("%s: %s", kind, name), func(t *testing.T) {
				t.Parallel()
				s, gateway := damaged(t, withCA, kind)
				s.Delete(t, s.Secret("acme-ca"))
				s.StartOperator(t, interceptor.Funcs{})
				condition := s.WaitCondition(t, gateway, v1alpha1.ConditionDrained, metav1.ConditionFalse, v1alpha1.ReasonDraining)
				if !strings.Contains(condition.Message, "damaged") || !strings.Contains(condition.Message, string(v1alpha1.DeletionDiscard)) {
					t.Errorf("it does not say what to do: %s", condition.Message)
				}
				s.WaitCondition(t, gateway, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeleting)
				if gateway.Status.Undelivered != nil {
					t.Errorf("status.undelivered is %d although nobody knows", ptr.Deref(gateway.Status.Undelivered, 0))
				}
				end(t, s, gateway)
				mustBeGone(t, s, gateway)
			})
		}
	}
}

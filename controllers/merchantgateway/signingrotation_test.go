package merchantgateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// waitVerifiers waits until the Secret shows what is wanted, and answers it: secret and public key, and the former ones. What is absent is empty.
func waitVerifiers(t *testing.T, s *testenv.Setting, secret *corev1.Secret, check func(shown []string) bool) []string {
	t.Helper()
	var shown []string
	s.WaitFor(t, secret, func() error {
		shown = nil
		present := []string{}
		for _, key := range []string{v1alpha1.KeySigningSecret, v1alpha1.KeyPublicKey, v1alpha1.KeyPreviousSigningSecret, v1alpha1.KeyPreviousPublicKey} {
			shown = append(shown, string(secret.Data[key]))
			if len(secret.Data[key]) > 0 {
				present = append(present, key)
			}
		}
		if !check(shown) {
			return fmt.Errorf("it shows %v", present)
		}
		return nil
	})
	return shown
}

// TestNewSigningMaterialIsShownWhenEveryServerSignsWithIt follows a rotation that somebody asks for, from the annotation to the end of the overlap.
func TestNewSigningMaterialIsShownWhenEveryServerSignsWithIt(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	gateway.Spec.Delivery.Signing = &v1alpha1.DeliverySigning{Algorithms: []v1alpha1.DeliverySigningAlgorithm{v1alpha1.SigningHMAC, v1alpha1.SigningEd25519}}
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	secret := s.Secret(gateway.Status.SigningSecretName)
	former := waitVerifiers(t, s, secret, func(shown []string) bool {
		return strings.HasPrefix(shown[0], "whsec_") && strings.HasPrefix(shown[1], "whpk_") && shown[2]+shown[3] == ""
	})
	if !slices.Equal(gateway.Status.DeliveryPublicKeys, former[1:2]) {
		t.Errorf("status.deliveryPublicKeys is %v", gateway.Status.DeliveryPublicKeys)
	}

	s.Replica.Pause()
	s.Update(t, gateway, func() {
		gateway.Annotations = map[string]string{v1alpha1.AnnotationRotateDeliverySigningRequestedAt: "now"}
	})
	s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
		if len(d.Delivery.SigningSecrets) != 4 || d.SigningRotationRequest != "now" {
			return fmt.Errorf("it is signed with %v", d.Delivery.SigningSecrets)
		}
		return nil
	})
	s.WaitEvent(t, gateway, translate.EventDeliverySigningRotated)
	s.Touch(t, secret)
	waitVerifiers(t, s, secret, func(shown []string) bool { return slices.Equal(shown, former) })
	if gateway.Status.LastHandledSigningRotationRequest != "" {
		t.Error("the request is called handled while a server does not sign with the new material")
	}

	s.Replica.Resume()
	next := waitVerifiers(t, s, secret, func(shown []string) bool { return slices.Equal(shown[2:], former[:2]) })
	if next[0] == former[0] || next[1] == former[1] || next[0] == "" || next[1] == "" {
		t.Error("the former material is shown as the new one")
	}
	s.WaitEvent(t, gateway, translate.EventDeliverySigningShown)
	s.WaitFor(t, gateway, func() error {
		if status := gateway.Status; status.LastHandledSigningRotationRequest != "now" || !slices.Equal(status.DeliveryPublicKeys, []string{next[1], former[1]}) {
			return fmt.Errorf("the status is %+v", status)
		}
		return nil
	})

	s.Clock.Advance(169 * time.Hour)
	s.Update(t, gateway, func() { gateway.Spec.Delivery.TimeoutSeconds = 11 })
	waitVerifiers(t, s, secret, func(shown []string) bool { return slices.Equal(shown, []string{next[0], next[1], "", ""}) })
	secrets := s.GatewaySecrets(t, gateway, func(d *serving.GatewaySecrets) error {
		if len(d.SigningSecrets) != 2 {
			return fmt.Errorf("it holds %d secrets", len(d.SigningSecrets))
		}
		return nil
	})
	hidden := []string{former[0], next[0]}
	for _, one := range secrets.SigningSecrets {
		hidden = append(hidden, one.Secret.Reveal(), strings.TrimPrefix(one.Secret.Reveal(), "whsk_")[:40])
	}
	s.MustNotShow(t, hidden...)
}

// TestALostPrivateKeyIsSaid: what it has signed can be verified no more, and backends need another public key.
func TestALostPrivateKeyIsSaid(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	operator := s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	gateway.Spec.Delivery.Signing = &v1alpha1.DeliverySigning{Algorithms: []v1alpha1.DeliverySigningAlgorithm{v1alpha1.SigningEd25519}}
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	secret := s.Secret(gateway.Status.SigningSecretName)
	former := waitVerifiers(t, s, secret, func(shown []string) bool { return shown[1] != "" })
	operator.Stop() // one that runs puts it back as it was
	s.Delete(t, s.DocumentObject(serving.KindGatewaySecrets, gateway))
	s.StartOperator(t, interceptor.Funcs{})
	s.WaitEvent(t, gateway, translate.EventDeliverySigningKeyLost)
	waitVerifiers(t, s, secret, func(shown []string) bool { return shown[1] != "" && shown[1] != former[1] && shown[0] == "" })
}

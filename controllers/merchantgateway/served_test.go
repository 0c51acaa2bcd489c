package merchantgateway_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

func TestAnAppliedGatewayIsServed(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)

	document := s.GatewayDocument(t, gateway, nil)
	secrets := s.GatewaySecrets(t, gateway, nil)
	if missing := document.Missing(secrets); missing != "" {
		t.Errorf("GatewaySecrets lacks %s", missing)
	}
	if document.GatewayID != "MGW_000001" || document.Generation != gateway.Generation || len(document.Merchants) != 1 {
		t.Errorf("the document is not the resource's: %+v", document)
	}
	if want := testenv.ExternalURL + "/merchant-gateways/MGW_000001"; document.Issuer != want {
		t.Errorf("issuer is %q, want %q", document.Issuer, want)
	}
	if gateway.Status.NotificationURL != testenv.ExternalURL || !slices.Contains(gateway.Status.TokenURLs, testenv.ExternalURL+"/oauth2/token") {
		t.Errorf("the status does not show the URLs: %+v", gateway.Status)
	}
	if len(gateway.Status.SigningKeys) != 1 || gateway.Status.SigningKeys[0].ID != document.SigningKeys[0] {
		t.Errorf("the status does not show the signing key: %+v", gateway.Status.SigningKeys)
	}
	signing := s.Secret(gateway.Status.SigningSecretName)
	s.WaitFor(t, signing, func() error { return nil })
	if !strings.HasPrefix(string(signing.Data[v1alpha1.KeySigningSecret]), "whsec_") || !metav1.IsControlledBy(signing, gateway) {
		t.Errorf("Secret %s does not hold the gateway's signing secret", signing.Name)
	}
	if secrets.SigningSecrets[0].Secret.Reveal() != string(signing.Data[v1alpha1.KeySigningSecret]) {
		t.Error("servers sign with another secret than backends verify with")
	}
}

func TestAnEditedGatewayIsServedAnew(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	before := s.GatewayDocument(t, gateway, nil)

	s.Update(t, gateway, func() { gateway.Spec.Hostnames = []v1alpha1.Hostname{"d1.acme.example"} })
	after := s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
		if d.Generation != gateway.Generation || !slices.Equal(d.Hostnames, []string{"d1.acme.example"}) {
			return fmt.Errorf("generation %d with hosts %v", d.Generation, d.Hostnames)
		}
		return nil
	})
	s.WaitReady(t, gateway)
	if !slices.Equal(before.SigningKeys, after.SigningKeys) {
		t.Errorf("another signing key, %v in place of %v: live tokens would end", after.SigningKeys, before.SigningKeys)
	}
}

func TestADeletedSigningSecretIsRestored(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	secret := s.Secret(gateway.Status.SigningSecretName)
	s.WaitFor(t, secret, func() error { return nil })
	text, uid := string(secret.Data[v1alpha1.KeySigningSecret]), secret.UID

	s.Delete(t, secret)
	s.WaitFor(t, secret, func() error {
		if secret.UID == uid {
			return errors.New("it is still the deleted one")
		}
		return nil
	})
	if string(secret.Data[v1alpha1.KeySigningSecret]) != text {
		t.Error("backends would have to learn another secret")
	}
}

func TestASecretOfSomebodyElseIsNotTouched(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	foreign := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Tenant, Name: "acme-delivery-signing"},
		StringData: map[string]string{"secret": "somebody else's"},
	}
	s.Create(t, foreign)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotOwned)

	version := foreign.ResourceVersion
	s.WaitFor(t, foreign, func() error { return nil })
	if foreign.ResourceVersion != version {
		t.Error("the Secret was written")
	}
	s.Delete(t, foreign)
	s.WaitReady(t, gateway)
}

func TestASigningKeyGetsASuccessorAndRetires(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	first := s.GatewayDocument(t, gateway, nil).SigningKeys

	s.Clock.Advance(30*24*time.Hour - 30*time.Minute)
	s.Touch(t, s.Secret(gateway.Status.SigningSecretName))
	both := s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
		if len(d.SigningKeys) != 2 {
			return fmt.Errorf("there are %d keys", len(d.SigningKeys))
		}
		return nil
	}).SigningKeys
	if both[0] != first[0] {
		t.Errorf("the first key %q is gone while it signs: %v", first[0], both)
	}
	s.Clock.Advance(2 * time.Hour)
	s.Touch(t, s.Secret(gateway.Status.SigningSecretName))
	s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
		if !slices.Equal(d.SigningKeys, both[1:]) {
			return fmt.Errorf("the keys are %v", d.SigningKeys)
		}
		return nil
	})
	s.GatewaySecrets(t, gateway, func(d *serving.GatewaySecrets) error {
		if len(d.SigningKeys) != 1 {
			return errors.New("the retired key is still among the secrets")
		}
		return nil
	})
}

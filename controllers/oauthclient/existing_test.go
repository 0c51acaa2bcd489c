package oauthclient_test

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestASecretOfTheUsers goes through the life of one: every change of it is acted on without a change of the client.
func TestASecretOfTheUsers(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	client := s.ExistingClient("thales-d1", "acme")
	s.Create(t, client)
	s.WaitCondition(t, client, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)

	// It arrives after the client, without the label.
	secret := s.UserSecret("thales-d1-credentials", map[string]string{"client_id": "is_tbank01", "client_secret": "123"})
	secret.Labels = nil
	s.Create(t, secret)
	s.WaitCondition(t, client, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretUseNotAllowed)

	s.Update(t, secret, func() { secret.Labels = map[string]string{v1alpha1.LabelAllowUse: "true"} })
	s.WaitReady(t, client)
	s.WaitCondition(t, client, v1alpha1.ConditionCredentialsReady, metav1.ConditionTrue, v1alpha1.ReasonWeakSecret)
	if document := current(t, s, client, "123"); document.ClientID != "is_tbank01" {
		t.Errorf("the client id is %q", document.ClientID)
	}

	// An edit is a rotation.
	s.Update(t, secret, func() { secret.Data[v1alpha1.KeyClientSecret] = []byte("456") })
	document := current(t, s, client, "456")
	if len(document.Credentials) != 2 || !document.Credentials[1].Digest.Equal(serving.DigestSecret("123")) {
		t.Errorf("the former secret does not work on for a while: %+v", document.Credentials)
	}

	// Its label goes, and then itself: the last good credentials serve on.
	s.Update(t, secret, func() { secret.Labels = nil })
	s.WaitCondition(t, client, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretUseNotAllowed)
	current(t, s, client, "456")
	s.Delete(t, secret)
	s.WaitCondition(t, client, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	current(t, s, client, "456")
}

func TestASecretOfTheUsersIsNeverWritten(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	secret := s.UserSecret("thales-d1-credentials", map[string]string{"client_id": "is_tbank01", "client_secret": "123"})
	s.Create(t, secret)
	version := secret.ResourceVersion
	client := s.ExistingClient("thales-d1", "acme")
	ready(t, s, client)
	s.Delete(t, client)
	s.WaitGone(t, client)
	s.WaitFor(t, secret, func() error {
		if secret.ResourceVersion != version {
			return errors.New("it was written")
		}
		return nil
	})
}

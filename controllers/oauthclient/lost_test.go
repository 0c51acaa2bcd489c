package oauthclient_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestEveryClientIsServedAgainAfterAllDocumentsWereLost: whichever of a gateway's two documents comes back last calls its clients.
func TestEveryClientIsServedAgainAfterAllDocumentsWereLost(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	var clients []*v1alpha1.OAuthClient
	for i := range 40 {
		clients = append(clients, s.OAuthClient(fmt.Sprintf("client-%02d", i), "acme"))
		s.Create(t, clients[i])
	}
	for _, c := range clients {
		s.WaitReady(t, c)
	}
	for _, kind := range []client.Object{&corev1.ConfigMap{}, &corev1.Secret{}} {
		if err := s.Client.DeleteAllOf(t.Context(), kind, client.InNamespace(s.System), client.HasLabels{serving.LabelDocument}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range clients {
		s.ClientDocument(t, c, nil)
		s.WaitReady(t, c)
	}
}

// TestAPoorSecretIsNotWhatComesBack: the operator cannot write for a while when somebody spoils the Secret, and the good secret is not forgotten.
func TestAPoorSecretIsNotWhatComesBack(t *testing.T) {
	t.Parallel()
	calls := &testenv.Calls{}
	s, _ := withGateway(t, calls.Funcs())
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	good := text(secret, v1alpha1.KeyClientSecret)
	calls.Refuse(func(call string) error {
		if strings.HasPrefix(call, "update Secret") {
			return apierrors.NewInternalError(errors.New("planted"))
		}
		return nil
	})
	s.Update(t, secret, func() { secret.Data[v1alpha1.KeyClientSecret] = []byte("123") })
	s.WaitCondition(t, resource, v1alpha1.ConditionReady, "False", v1alpha1.ReasonWriteFailed)
	looks := calls.Reads("Secret", secret.Name)
	testenv.Eventually(t, func() error {
		if calls.Reads("Secret", secret.Name) < looks+2 {
			return errors.New("it was not tried again")
		}
		return nil
	})
	calls.Refuse(nil)
	s.WaitFor(t, secret, func() error {
		if text(secret, v1alpha1.KeyClientSecret) != good {
			return errors.New("the good secret is not back")
		}
		return nil
	})
}

// TestAnotherSecretNameIsAnotherSecret: whoever renames the Secret to be rid of a leaked client_secret must not find it in the new one.
func TestAnotherSecretNameIsAnotherSecret(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	leaked := text(ready(t, s, resource), v1alpha1.KeyClientSecret)
	s.Update(t, resource, func() { resource.Spec.Credentials.SecretName = "renamed" })
	renamed := s.Secret("renamed")
	s.WaitFor(t, renamed, func() error {
		if text(renamed, v1alpha1.KeyClientSecret) == "" {
			return errors.New("it shows no client_secret yet")
		}
		return nil
	})
	shown := text(renamed, v1alpha1.KeyClientSecret)
	if shown == leaked {
		t.Error("it is the same client_secret")
	}
	current(t, s, resource, shown)
	s.WaitReady(t, resource)
}

// TestClientsOfAGatewayThatAReplicaRefusesAreNotReady: that replica answers them 503.
func TestClientsOfAGatewayThatAReplicaRefusesAreNotReady(t *testing.T) {
	t.Parallel()
	s, gateway := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	ready(t, s, resource)
	s.Replica.Refuse(s.DocumentObject(serving.KindGateway, gateway).GetName(), "it is of another version")
	s.WaitCondition(t, resource, v1alpha1.ConditionProgrammed, "False", v1alpha1.ReasonDocumentRefused)
	s.Replica.Refuse("", "")
	s.WaitReady(t, resource)
}

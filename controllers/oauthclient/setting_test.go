package oauthclient_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// withGateway starts an operator and the gateway "acme".
func withGateway(t *testing.T, between interceptor.Funcs) (*testenv.Setting, *v1alpha1.MerchantGateway) {
	t.Helper()
	s := cluster.NewSetting(t)
	s.StartOperator(t, between)
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	return s, gateway
}

// ready creates a client and waits until it is ready and its Secret is there.
func ready(t *testing.T, s *testenv.Setting, client *v1alpha1.OAuthClient) *corev1.Secret {
	t.Helper()
	s.Create(t, client)
	s.WaitReady(t, client)
	secret := s.Secret(client.Spec.Credentials.SecretName)
	s.WaitFor(t, secret, func() error { return nil })
	return secret
}

func text(secret *corev1.Secret, key string) string { return string(secret.Data[key]) }

// current waits until the document's current credential is the secret, and answers the document.
func current(t *testing.T, s *testenv.Setting, client *v1alpha1.OAuthClient, secret string) *serving.Client {
	t.Helper()
	return s.ClientDocument(t, client, func(d *serving.Client) error {
		if len(d.Credentials) == 0 || !d.Credentials[0].Digest.Equal(serving.DigestSecret(secret)) {
			return fmt.Errorf("the current credential of %d is another", len(d.Credentials))
		}
		return nil
	})
}

package merchantgateway_test

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestChangedClientCredentialsReachTheServers: somebody changes the client's secret at the authorization server and in the Secret; nobody touches
// the gateway.
func TestChangedClientCredentialsReachTheServers(t *testing.T) {
	t.Parallel()
	const first, second, damaged = "planted-first-planted", "planted-second-planted", "planted-third-planted\n"
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	secret := s.UserSecret("acme-oauth", map[string]string{v1alpha1.KeyClientID: "d1gateway", v1alpha1.KeyClientSecret: first})
	gateway := s.Gateway("acme", "MGW_000001")
	oauth := &v1alpha1.DeliveryOAuth{TokenURL: "https://login.acme.example/token", SecretRef: v1alpha1.SecretReference{Name: secret.Name}}
	gateway.Spec.Delivery.OAuth = oauth
	gateway.Spec.TokenLookup = &v1alpha1.TokenLookup{URL: "https://vault.acme.example/{tokenId}", OAuth: oauth}
	s.Create(t, gateway)
	condition := s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	if want := `spec.delivery.oauth.secretRef: Secret "acme-oauth"`; len(condition.Message) < len(want) || condition.Message[:len(want)] != want {
		t.Errorf("the condition does not name the field: %s", condition.Message)
	}
	s.Create(t, secret)
	s.WaitReady(t, gateway)

	// authenticateWith waits until servers authenticate with just this secret, and answers the id of the credentials.
	authenticateWith := func(text string) string {
		t.Helper()
		document := s.GatewayDocument(t, gateway, nil)
		s.GatewaySecrets(t, gateway, func(d *serving.GatewaySecrets) error {
			document = s.GatewayDocument(t, gateway, nil)
			if len(d.ClientCredentials) != 1 || d.ClientCredentials[0].ClientSecret.Reveal() != text || d.ClientCredentials[0].ID != document.Delivery.OAuth.Credentials {
				return fmt.Errorf("there are %d credentials, which are not the ones that are wanted", len(d.ClientCredentials))
			}
			return nil
		})
		if document.TokenLookup.OAuth.Credentials != document.Delivery.OAuth.Credentials {
			t.Error("the same credentials have two ids")
		}
		return document.Delivery.OAuth.Credentials
	}
	before := authenticateWith(first)
	s.Update(t, secret, func() { secret.StringData = map[string]string{v1alpha1.KeyClientSecret: second} })
	if after := authenticateWith(second); after == before {
		t.Error("other credentials have the same id: a server may go on with a token of the former ones")
	}
	s.Update(t, secret, func() { secret.StringData = map[string]string{v1alpha1.KeyClientSecret: damaged} })
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	authenticateWith(second)
	s.MustNotShow(t, first, second, damaged[:len(damaged)-1])
}

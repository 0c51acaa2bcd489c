package oauthclient_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// The key of RFC 7517 appendix A.1, and that of RFC 8037 appendix A.2.
const (
	publicKey  = `"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
	anotherKey = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
)

func keySet(keys ...string) string { return `{"keys":[{` + strings.Join(keys, `},{`) + `}]}` }

// keyClient answers a client that authenticates by its own keys.
func keyClient(s *testenv.Setting, name, gateway string, keys ...string) *v1alpha1.OAuthClient {
	c := s.OAuthClient(name, gateway)
	c.Spec.Credentials = v1alpha1.ClientCredentials{Method: v1alpha1.CredentialsPrivateKeyJWT, JWKS: keySet(keys...)}
	return c
}

func allow(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway, methods ...v1alpha1.TokenEndpointMethod) {
	t.Helper()
	s.Update(t, gateway, func() { gateway.Spec.Authentication.TokenEndpointMethods = methods })
}

// TestAClientOfAnotherMethodIsReadyOnceItsGatewayListsIt, and it needs no Secret for that.
func TestAClientOfAnotherMethodIsReadyOnceItsGatewayListsIt(t *testing.T) {
	t.Parallel()
	var calls testenv.Calls
	s, gateway := withGateway(t, calls.Funcs())
	client := keyClient(s, "partner", "acme", publicKey)
	s.Create(t, client)
	condition := s.WaitCondition(t, client, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonMethodNotAllowed)
	for _, part := range []string{`MerchantGateway "acme"`, "spec.authentication.tokenEndpointMethods", "PrivateKeyJWT", "spec.credentials.method"} {
		if !strings.Contains(condition.Message, part) {
			t.Errorf("the message does not say %s: %s", part, condition.Message)
		}
	}
	s.WaitGone(t, s.DocumentObject(serving.KindClient, client))

	allow(t, s, gateway, v1alpha1.MethodClientSecretBasic, v1alpha1.MethodPrivateKeyJWT)
	s.WaitReady(t, client)
	document := s.ClientDocument(t, client, nil)
	if len(document.PublicKeys) != 1 || document.Credentials != nil || document.ClientID == "" || document.ClientID != client.Status.ClientID {
		t.Errorf("the document is not the resource's: %+v", document)
	}
	if len(client.Status.Credentials) != 1 || client.Status.Credentials[0].ID != document.PublicKeys[0].ID {
		t.Errorf("the status does not show the key: %+v", client.Status.Credentials)
	}
	if n := calls.Reads("Secret", ""); n > 0 {
		t.Errorf("a Secret without a name was asked for %d times", n)
	}
	for _, call := range calls.Writes() {
		if strings.HasPrefix(call, "create Secret") && !strings.Contains(call, "delivery-signing") {
			t.Errorf("a Secret was made: %s", call)
		}
	}

	// The keys are edited; the client id stays.
	s.Update(t, client, func() { client.Spec.Credentials.JWKS = keySet(anotherKey, publicKey) })
	changed := s.ClientDocument(t, client, func(d *serving.Client) error {
		if len(d.PublicKeys) != 2 {
			return fmt.Errorf("it has %d keys", len(d.PublicKeys))
		}
		return nil
	})
	if changed.ClientID != document.ClientID || !changed.PublicKeys[1].CreatedAt.Equal(document.PublicKeys[0].CreatedAt) {
		t.Errorf("the client id or the age of the first key has changed: %+v", changed)
	}

	// The gateway lists the method no more: the last good document stays, and the servers hold it against the gateway's list.
	allow(t, s, gateway, v1alpha1.MethodClientSecretBasic)
	s.WaitCondition(t, client, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonMethodNotAllowed)
	s.ClientDocument(t, client, func(d *serving.Client) error {
		if len(d.PublicKeys) != 2 {
			return errors.New("it is another document")
		}
		return nil
	})
}

// TestAClientThatChangesItsMethod: the secrets end at once, the Secret stays and is taken up again.
func TestAClientThatChangesItsMethod(t *testing.T) {
	t.Parallel()
	s, gateway := withGateway(t, interceptor.Funcs{})
	allow(t, s, gateway, v1alpha1.MethodClientSecretBasic, v1alpha1.MethodPrivateKeyJWT)
	client := s.OAuthClient("partner", "acme")
	secret := ready(t, s, client)
	issued, id := text(secret, v1alpha1.KeyClientSecret), client.Status.ClientID
	own := client.Spec.Credentials

	s.Update(t, client, func() { client.Spec.Credentials = keyClient(s, "", "", publicKey).Spec.Credentials })
	document := s.ClientDocument(t, client, func(d *serving.Client) error {
		if d.Credentials != nil || len(d.PublicKeys) != 1 {
			return errors.New("its secrets still work")
		}
		return nil
	})
	s.WaitReady(t, client)
	if document.ClientID != id {
		t.Errorf("the client id has changed from %s to %s", id, document.ClientID)
	}

	s.Update(t, client, func() { client.Spec.Credentials = own })
	current(t, s, client, issued)
	s.WaitReady(t, client)
}

package translate

import (
	"slices"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestResourcesThatWereStoredBeforeMethodsCouldBeChosen go on as they were: a secret by HTTP Basic, tokens bound to nothing.
func TestResourcesThatWereStoredBeforeMethodsCouldBeChosen(t *testing.T) {
	t.Parallel()
	gateway, client := &v1alpha1.MerchantGateway{}, &v1alpha1.OAuthClient{}
	client.Spec.Credentials.SecretName = "thales-credentials"
	if got := authMethods(gateway); !slices.Equal(got, []serving.AuthMethod{serving.ClientSecretBasic}) {
		t.Errorf("the gateway's methods are %v", got)
	}
	if !methodAllowed(client, gateway) || originOf(client) != originGenerated || ClientSecretName(client) != "thales-credentials" {
		t.Error("the client has no generated secret that its gateway allows")
	}
	plan := planGateway(GatewayInput{Gateway: gateway}, referencesOf(nil, certificateNow))
	if plan.document(nil).CertificateBoundTokens {
		t.Error("its tokens are bound to a certificate")
	}
}

func TestWhichMethodsAGatewayMustListForAClient(t *testing.T) {
	t.Parallel()
	const basic, post, jwt, tls = v1alpha1.MethodClientSecretBasic, v1alpha1.MethodClientSecretPost, v1alpha1.MethodPrivateKeyJWT, v1alpha1.MethodTLSClientAuth
	for method, allowing := range map[v1alpha1.CredentialsMethod][]v1alpha1.TokenEndpointMethod{
		v1alpha1.CredentialsClientSecret:  {basic, post},
		v1alpha1.CredentialsPrivateKeyJWT: {jwt},
		v1alpha1.CredentialsTLSClientAuth: {tls},
	} {
		for _, listed := range []v1alpha1.TokenEndpointMethod{basic, post, jwt, tls} {
			gateway, client := &v1alpha1.MerchantGateway{}, &v1alpha1.OAuthClient{}
			gateway.Spec.Authentication.TokenEndpointMethods = []v1alpha1.TokenEndpointMethod{listed}
			client.Spec.Credentials = v1alpha1.ClientCredentials{Method: method, SecretName: "s"}
			if got, want := methodAllowed(client, gateway), slices.Contains(allowing, listed); got != want {
				t.Errorf("a gateway that lists %s alone allows %s: %t, want %t", listed, method, got, want)
			}
			if named := ClientSecretName(client) != ""; named != (method == v1alpha1.CredentialsClientSecret) {
				t.Errorf("%s: a Secret decides about it: %t", method, named)
			}
		}
	}
}

package translate

import (
	"cmp"
	"slices"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// origin says where the credentials of a client come from.
type origin int

const (
	// originGenerated: the operator makes a secret.
	originGenerated origin = iota
	// originExisting: a secret is read from the user's Secret.
	originExisting
	// originKeySet: public keys stand in the spec.
	originKeySet
	// originCertificate: rules for the client's certificate stand in the spec.
	originCertificate
)

func originOf(c *v1alpha1.OAuthClient) origin {
	switch spec := c.Spec.Credentials; {
	case spec.Method == v1alpha1.CredentialsPrivateKeyJWT:
		return originKeySet
	case spec.Method == v1alpha1.CredentialsTLSClientAuth:
		return originCertificate
	case spec.Source == v1alpha1.CredentialsExisting:
		return originExisting
	default:
		return originGenerated
	}
}

func (o origin) inSecret() bool { return o == originGenerated || o == originExisting }

// ClientSecretName answers the name of the Secret that decides about a client, in its namespace; empty when its credentials are in no Secret.
func ClientSecretName(c *v1alpha1.OAuthClient) string {
	if !originOf(c).inSecret() {
		return ""
	}
	return c.Spec.Credentials.SecretName
}

// methodOf answers the client's method. A client that was stored before it could be chosen has a secret.
func methodOf(c *v1alpha1.OAuthClient) v1alpha1.CredentialsMethod {
	return cmp.Or(c.Spec.Credentials.Method, v1alpha1.CredentialsClientSecret)
}

// endpointMethodsOf answers the ways in which the gateway's clients may authenticate. A gateway that was stored before they could be chosen
// has the one there was.
func endpointMethodsOf(g *v1alpha1.MerchantGateway) []v1alpha1.TokenEndpointMethod {
	if methods := g.Spec.Authentication.TokenEndpointMethods; len(methods) > 0 {
		return methods
	}
	return []v1alpha1.TokenEndpointMethod{v1alpha1.MethodClientSecretBasic}
}

// endpointMethodsFor answers the ways in which a client of that method can authenticate, the usual one first.
func endpointMethodsFor(m v1alpha1.CredentialsMethod) []v1alpha1.TokenEndpointMethod {
	switch m {
	case v1alpha1.CredentialsPrivateKeyJWT:
		return []v1alpha1.TokenEndpointMethod{v1alpha1.MethodPrivateKeyJWT}
	case v1alpha1.CredentialsTLSClientAuth:
		return []v1alpha1.TokenEndpointMethod{v1alpha1.MethodTLSClientAuth}
	default:
		return []v1alpha1.TokenEndpointMethod{v1alpha1.MethodClientSecretBasic, v1alpha1.MethodClientSecretPost}
	}
}

// methodAllowed says whether the client can authenticate at its gateway's token endpoints at all.
func methodAllowed(c *v1alpha1.OAuthClient, g *v1alpha1.MerchantGateway) bool {
	return slices.ContainsFunc(endpointMethodsFor(methodOf(c)), func(m v1alpha1.TokenEndpointMethod) bool {
		return slices.Contains(endpointMethodsOf(g), m)
	})
}

// authMethods answers the gateway's methods as the document names them.
func authMethods(g *v1alpha1.MerchantGateway) []serving.AuthMethod {
	names := map[v1alpha1.TokenEndpointMethod]serving.AuthMethod{
		v1alpha1.MethodClientSecretBasic: serving.ClientSecretBasic,
		v1alpha1.MethodClientSecretPost:  serving.ClientSecretPost,
		v1alpha1.MethodPrivateKeyJWT:     serving.PrivateKeyJWT,
		v1alpha1.MethodTLSClientAuth:     serving.TLSClientAuth,
	}
	var all []serving.AuthMethod
	for _, m := range endpointMethodsOf(g) {
		all = append(all, names[m])
	}
	slices.Sort(all)
	return all
}

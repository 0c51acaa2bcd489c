package discovery

import (
	"encoding/json"
	"fmt"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// metadata is the answer of RFC 8414 section 3.2. response_types_supported stands there although it is empty: section 2 requires it,
// and clients look for it.
type metadata struct {
	Issuer                  string   `json:"issuer"`
	TokenEndpoint           string   `json:"token_endpoint"`
	JWKSURI                 string   `json:"jwks_uri"`
	ScopesSupported         []string `json:"scopes_supported"`
	ResponseTypesSupported  []string `json:"response_types_supported"`
	GrantTypesSupported     []string `json:"grant_types_supported"`
	TokenAuthMethods        []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgorithms     []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionEndpoint   string   `json:"introspection_endpoint"`
	IntrospectionMethods    []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAlgorithms []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationEndpoint      string   `json:"revocation_endpoint"`
	RevocationMethods       []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAlgorithms    []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
	// CertificateBoundTokens is of RFC 8705 section 3.3.
	CertificateBoundTokens bool `json:"tls_client_certificate_bound_access_tokens"`
}

func encodeMetadata(g *serving.Gateway) ([]byte, error) {
	methods := make([]string, len(g.AuthMethods))
	for i, m := range g.AuthMethods {
		methods[i] = string(m)
	}
	var algorithms []string
	if g.Allows(api.PrivateKeyJWT) {
		algorithms = api.AssertionAlgorithms()
	}
	body, err := json.Marshal(metadata{
		Issuer:                 g.Issuer,
		TokenEndpoint:          g.BaseURL() + tokenPath(g),
		JWKSURI:                g.Issuer + serving.JWKSPath,
		ScopesSupported:        []string{api.NotifyScope},
		ResponseTypesSupported: []string{},
		GrantTypesSupported:    []string{"client_credentials"},
		TokenAuthMethods:       methods, TokenAuthAlgorithms: algorithms,
		IntrospectionEndpoint: g.Issuer + serving.IntrospectionPath,
		IntrospectionMethods:  methods, IntrospectionAlgorithms: algorithms,
		RevocationEndpoint: g.Issuer + serving.RevocationPath,
		RevocationMethods:  methods, RevocationAlgorithms: algorithms,
		CertificateBoundTokens: g.CertificateBoundTokens,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding metadata: %w", err)
	}
	return body, nil
}

// tokenPath answers the first token endpoint whose expires_in is a number, as RFC 6749 section 5.1 wants, else the first.
func tokenPath(g *serving.Gateway) string {
	for _, e := range g.TokenEndpoints {
		if e.Dialect == api.DialectEcom {
			return e.Path
		}
	}
	return g.TokenEndpoints[0].Path
}

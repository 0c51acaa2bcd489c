package serving

import (
	"slices"
	"strings"
)

// Where a gateway answers beside D1's two endpoints: below the path of its issuer, so that a client id means one client only.
const (
	JWKSPath          = "/.well-known/jwks.json"
	IntrospectionPath = "/oauth2/introspect"
	RevocationPath    = "/oauth2/revoke"
	// issuerPath is followed by the merchantGatewayId.
	issuerPath = "/merchant-gateways/"
)

// BaseURL is what all URLs of the gateway begin with, such as https://d1.acme.example.
func (g *Gateway) BaseURL() string { return strings.TrimSuffix(g.Issuer, issuerPath+g.GatewayID) }

// compileAudiences lists what an assertion for the gateway may name as its audience: the issuer, and the endpoints by each of its names
// (RFC 7523 section 3).
func (g *Gateway) compileAudiences() {
	bases := []string{g.BaseURL()}
	for _, host := range g.Hostnames {
		if base := "https://" + host; base != bases[0] {
			bases = append(bases, base)
		}
	}
	g.audiences = []string{g.Issuer}
	for _, base := range bases {
		for _, e := range g.TokenEndpoints {
			g.audiences = append(g.audiences, base+e.Path)
		}
		for _, path := range []string{IntrospectionPath, RevocationPath} {
			g.audiences = append(g.audiences, base+issuerPath+g.GatewayID+path)
		}
	}
}

// IsAudience says whether an assertion for that audience is for the gateway.
func (g *Gateway) IsAudience(aud string) bool { return slices.Contains(g.audiences, aud) }

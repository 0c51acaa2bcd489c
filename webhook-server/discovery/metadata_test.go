package discovery_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/discovery"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/introspection"
	"github.com/d1gateway/d1gateway/webhook-server/token/revocation"
)

// base is the metadata of the base gateway, as a reader sees it.
const base = `{
	"issuer": "https://d1.acme.example/merchant-gateways/MGW_000001",
	"token_endpoint": "https://d1.acme.example/oauth2/token",
	"jwks_uri": "https://d1.acme.example/merchant-gateways/MGW_000001/.well-known/jwks.json",
	"introspection_endpoint": "https://d1.acme.example/merchant-gateways/MGW_000001/oauth2/introspect",
	"revocation_endpoint": "https://d1.acme.example/merchant-gateways/MGW_000001/oauth2/revoke",
	"scopes_supported": ["d1:notify"],
	"response_types_supported": [],
	"grant_types_supported": ["client_credentials"],
	"token_endpoint_auth_methods_supported": ["client_secret_basic"],
	"introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
	"revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
	"tls_client_certificate_bound_access_tokens": false
}`

func TestMetadata(t *testing.T) {
	clientCertificate := func(w *fixture.World) {
		w.Secrets.CABundles = []api.CABundle{{ID: "ca-1", PEM: fixture.CABundle(t)}}
		w.Gateway.ClientCertificate = &api.ClientCertificate{CABundle: "ca-1"}
	}
	three := func(suffix string, value any) map[string]any {
		all := map[string]any{}
		for _, endpoint := range []string{"token", "introspection", "revocation"} {
			all[endpoint+"_endpoint_auth_"+suffix] = value
		}
		return all
	}
	join := func(maps ...map[string]any) map[string]any {
		all := map[string]any{}
		for _, m := range maps {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		change func(*fixture.World)
		want   map[string]any // what differs from base
	}{
		"the base gateway": {func(*fixture.World) {}, nil},
		"private_key_jwt comes with its algorithms": {func(w *fixture.World) {
			w.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretPost, api.PrivateKeyJWT}
		}, join(three("methods_supported", []any{"client_secret_post", "private_key_jwt"}),
			three("signing_alg_values_supported", []any{"ES256", "ES384", "EdDSA", "Ed25519", "RS256", "PS256"}))},
		"client certificates, and tokens bound to them": {func(w *fixture.World) {
			clientCertificate(w)
			w.Gateway.AuthMethods = []api.AuthMethod{api.TLSClientAuth}
			w.Gateway.CertificateBoundTokens = true
		}, join(three("methods_supported", []any{"tls_client_auth"}), map[string]any{"tls_client_certificate_bound_access_tokens": true})},
		"a token endpoint of the other dialect only": {func(w *fixture.World) {
			w.Gateway.TokenEndpoints = []api.TokenEndpoint{{Path: "/a/token", Dialect: api.DialectIssuer}, {Path: "/b/token", Dialect: api.DialectIssuer}}
		}, map[string]any{"token_endpoint": "https://d1.acme.example/a/token"}},
		"an external URL with a path and a port": {func(w *fixture.World) {
			w.Gateway.Issuer = "https://proxy.example:8443/d1/merchant-gateways/MGW_000001"
		}, map[string]any{
			"issuer":                 "https://proxy.example:8443/d1/merchant-gateways/MGW_000001",
			"token_endpoint":         "https://proxy.example:8443/d1/oauth2/token",
			"jwks_uri":               "https://proxy.example:8443/d1/merchant-gateways/MGW_000001/.well-known/jwks.json",
			"introspection_endpoint": "https://proxy.example:8443/d1/merchant-gateways/MGW_000001/oauth2/introspect",
			"revocation_endpoint":    "https://proxy.example:8443/d1/merchant-gateways/MGW_000001/oauth2/revoke",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			c.change(e.World)
			e.Publish()
			var want, got map[string]any
			if err := json.Unmarshal([]byte(base), &want); err != nil {
				t.Fatal(err)
			}
			want = join(want, c.want)
			e.get(rfc8414+issuerPath, &got)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestWhatTheMetadataNamesIsAnsweredHere(t *testing.T) {
	for _, issuer := range []string{fixture.Issuer, "https://proxy.example/d1/x/merchant-gateways/MGW_000001"} {
		e := newEndpoint(t)
		e.Gateway.Issuer = issuer
		e.Publish()
		var got struct {
			Issuer        string `json:"issuer"`
			JWKS          string `json:"jwks_uri"`
			Introspection string `json:"introspection_endpoint"`
			Revocation    string `json:"revocation_endpoint"`
		}
		path := func(raw string) string {
			u, err := url.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			return u.Path
		}
		e.get(rfc8414+path(issuer), &got)
		if got.Issuer != issuer { // RFC 8414 section 3.3: it must be the one that was asked for
			t.Errorf("issuer is %s", got.Issuer)
		}
		var set map[string]any
		e.get(path(got.JWKS), &set)
		if !introspection.IsPath(path(got.Introspection)) || !revocation.IsPath(path(got.Revocation)) {
			t.Errorf("%s or %s has no endpoint", got.Introspection, got.Revocation)
		}
	}
}

func TestTheTokenEndpointIsOneThatIsThere(t *testing.T) {
	e := newEndpoint(t)
	var got struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	e.get(rfc8414, &got)
	u, err := url.Parse(got.TokenEndpoint)
	if err != nil || !e.Snapshot().IsTokenPath(u.Host, u.Path) {
		t.Errorf("%s is no token endpoint, %v", got.TokenEndpoint, err)
	}
	if dialect, _ := e.Compiled().TokenDialect(u.Path); dialect != api.DialectEcom {
		t.Errorf("its dialect is %s", dialect)
	}
}

func TestOutcomesAndDocumentsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range discovery.Outcomes() {
		if seen[string(o)] {
			t.Errorf("%s twice", o)
		}
		seen[string(o)] = true
	}
	if !seen[string(discovery.Served)] || len(discovery.Documents()) != 2 || serving.JWKSPath != jwks {
		t.Errorf("outcomes are %v, documents %v", seen, discovery.Documents())
	}
}

package contract_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// published are the paths of each document of a gateway that is alone on the host; the first needs no such thing.
func published() map[string][]string {
	return map[string][]string{
		"metadata": {metadataPath, ownPath + wellKnown, wellKnown, metadataPath + "?x=y", "/.well-known/oauth%2Dauthorization-server/merchant-gateways/%4DGW_000001"},
		"keys":     {keySetPath, keySet, keySetPath + "?kid=x", ownPath + "/%2Ewell-known/jwks.json"},
	}
}

func TestMetadataAndKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.everywhere(t, func(v *visit) {
		for name, paths := range published() {
			first := v.c.Do(get(paths[0]))
			for _, p := range paths {
				if a := v.c.Do(get(p)); a.Status != http.StatusOK || a.Body != first.Body || !strings.Contains(a.Header.Get("Cache-Control"), "max-age=") {
					v.Errorf("%s at %s is answered %s", name, p, a)
				}
				checkHEAD(v, p)
				for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "PROPFIND"} {
					wantNotAllowed.check(v.T, v.c.Do(get(p).WithMethod(method)))
				}
				// Who asks need not be anybody, and a client's credentials change nothing.
				wantSame := v.c.Do(get(p).With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "wrong")))
				if wantSame.Body != first.Body {
					v.Errorf("%s with credentials is answered %s", p, wantSame)
				}
			}
		}
		checkMetadata(v, body(v.T, v.c.Do(get(metadataPath))))
	})
}

func checkHEAD(v *visit, p string) {
	v.Helper()
	whole, head := v.c.Do(get(p)), v.c.Do(get(p).WithMethod(http.MethodHead))
	if head.Status != http.StatusOK || head.Body != "" {
		v.Errorf("HEAD %s is answered %s", p, head)
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Cache-Control"} {
		if head.Header.Get(name) == "" || head.Header.Get(name) != whole.Header.Get(name) {
			v.Errorf("HEAD %s answers %s %q, GET %q", p, name, head.Header.Get(name), whole.Header.Get(name))
		}
	}
}

func checkMetadata(v *visit, o object) {
	v.Helper()
	basic := []any{"client_secret_basic"}
	for name, want := range map[string]any{
		"issuer": fixture.Issuer, "token_endpoint": "https://d1.acme.example/oauth2/token", "jwks_uri": fixture.Issuer + keySet,
		"introspection_endpoint": fixture.Issuer + "/oauth2/introspect", "revocation_endpoint": fixture.Issuer + "/oauth2/revoke",
		"tls_client_certificate_bound_access_tokens": false,
	} {
		if o[name] != want {
			v.Errorf("%s is %v", name, o[name])
		}
	}
	for name, want := range map[string][]any{
		"grant_types_supported": {"client_credentials"}, "scopes_supported": {api.NotifyScope}, "response_types_supported": {},
		"token_endpoint_auth_methods_supported": basic, "introspection_endpoint_auth_methods_supported": basic, "revocation_endpoint_auth_methods_supported": basic,
	} {
		if list, ok := o[name].([]any); !ok || !slices.Equal(list, want) {
			v.Errorf("%s is %v", name, o[name])
		}
	}
}

func TestPathsThatAreNearlyThoseOfDocumentsAndEndpoints(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.inBothVersions(t, func(v *visit) {
		for _, good := range []string{metadataPath, ownPath + wellKnown, wellKnown, keySetPath, keySet, introspectPath, revokePath} {
			for _, p := range []string{
				good + "/", good + "//", "/" + good, "/." + good, "/x/.." + good, good + "/.", good + "/x", good + "%2F", good + "%20", good + "%00", good + ";x", strings.ToUpper(good),
				"/" + strings.Replace(good[1:], "/", "%2F", 1), "/x" + good, strings.Replace(good, "well-known/", "well-known//", 1) + "/",
				strings.Replace(good, fixture.GatewayID, "MGW_000009", 1) + "x", strings.Replace(good, "oauth2/", "oauth/", 1) + "x",
			} {
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
					checkNotFound(v.T, v.c.Do(introspect("x").WithPath(p).WithMethod(method)))
				}
			}
		}
		for _, p := range []string{
			"/.well-known/openid-configuration", ownPath + "/.well-known/openid-configuration", keySet + ownPath, "/.well-known/", "/.well-known/jwks.json/merchant-gateways",
			strings.Replace(metadataPath, fixture.GatewayID, "MGW_000009", 1), strings.Replace(keySetPath, fixture.GatewayID, "MGW_000009", 1), strings.Replace(introspectPath, fixture.GatewayID, "MGW_000009", 1),
			strings.Replace(metadataPath, fixture.GatewayID, "short", 1), strings.Replace(revokePath, fixture.GatewayID, "mgw_000001", 1), "/oauth2/introspect", "/oauth2/revoke",
			strings.Replace(keySetPath, "merchant-gateways", "Merchant-Gateways", 1), wellKnown + ownPath + wellKnown,
		} {
			for _, r := range []running.Request{get(p), introspect("x").WithPath(p), get(p).WithMethod(http.MethodOptions)} {
				checkNotFound(v.T, v.c.Do(r))
			}
		}
	})
}

func TestAnIssuerBelowAnExternalURLIsFoundWithItsPathAndWithout(t *testing.T) {
	t.Parallel()
	v := world(t, func(w *running.World) { w.Documents.Gateway.Issuer = "https://proxy.example/d1" + ownPath })
	for _, p := range []string{wellKnown + "/d1" + ownPath, "/d1" + ownPath + wellKnown, metadataPath, ownPath + wellKnown, wellKnown} {
		if o := body(t, v.c.Do(get(p))); o["issuer"] != "https://proxy.example/d1"+ownPath || o["token_endpoint"] != "https://proxy.example/d1/oauth2/token" {
			t.Errorf("%s answers %v", p, o)
		}
	}
	v.isActive(t, introspect(v.token).WithPath("/d1"+introspectPath))
	v.isActive(t, introspect(v.token))
	for _, p := range []string{wellKnown + "/d2" + ownPath, "/d2" + introspectPath, "/d1/d1" + introspectPath, "/d1" + wellKnown} {
		checkNotFound(t, v.c.Do(get(p)))
	}
}

func TestSeveralGatewaysOnOneHost(t *testing.T) {
	t.Parallel()
	const elsewhere = "d1.elsewhere.example"
	s := newSite(t, func(w *running.World) {
		w.Documents.Gateway.Hostnames = []string{gatewayHost}
		w.Another("globex", otherGatewayID, otherClientID).Gateway.Hostnames = []string{gatewayHost}
		w.Another("initech", "MGW_000003", "initech-d1").Gateway.Hostnames = []string{elsewhere}
	})
	s.withoutToken(t, func(v *visit) {
		at := func(host, p string) running.Answer { return v.c.Do(get(p).WithHost(host)) }
		for _, host := range []string{gatewayHost, strings.ToUpper(gatewayHost), gatewayHost + ":8443", gatewayHost + "."} {
			for _, p := range []string{wellKnown, keySet} {
				checkNotFound(v.T, at(host, p)) // of several, none is told from another
			}
			for _, id := range []string{fixture.GatewayID, otherGatewayID} {
				for _, p := range []string{metadataPath, ownPath + wellKnown} {
					if o := body(v.T, at(host, strings.Replace(p, fixture.GatewayID, id, 1))); o["issuer"] != strings.Replace(fixture.Issuer, fixture.GatewayID, id, 1) {
						v.Errorf("%s of %s answers %v", p, id, o)
					}
				}
			}
			checkNotFound(v.T, at(host, strings.Replace(metadataPath, fixture.GatewayID, "MGW_000003", 1)))
			checkNotFound(v.T, v.c.Do(introspect("x").WithPath(strings.Replace(introspectPath, fixture.GatewayID, "MGW_000003", 1)).WithHost(host)))
		}
		if o := body(v.T, at(elsewhere, wellKnown)); o["issuer"] != strings.Replace(fixture.Issuer, fixture.GatewayID, "MGW_000003", 1) {
			v.Errorf("the one alone on its host answers %v", o)
		}
		for _, host := range []string{"localhost", "d1.acme.example.evil.example", "", "127.0.0.1:1"} {
			for _, p := range []string{wellKnown, keySet, metadataPath, keySetPath} {
				checkNotFound(v.T, at(host, p))
			}
		}
		checkNotFound(v.T, at(elsewhere, keySetPath))
		checkNotFound(v.T, v.c.Do(revoke("x").WithHost(elsewhere)))
	})
}

func TestADocumentDoesNotFollowTheHostHeader(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.overHTTP1(t, func(v *visit) {
		want := v.c.Do(get(metadataPath))
		for name, r := range map[string]running.Request{
			"Host":             get(metadataPath).WithHost("evil.example"),
			"X-Forwarded-Host": get(metadataPath).With("X-Forwarded-Host", "evil.example").With("Forwarded", "host=evil.example").With("X-Forwarded-Proto", "http"),
		} {
			if a := v.c.Do(r); a.Body != want.Body {
				v.Errorf("%s changes the document: %s", name, a)
			}
		}
	})
}

func TestAGatewayWithoutOAuthPublishesNothing(t *testing.T) {
	t.Parallel()
	ca := running.NewAuthority(t, "Thales client CA")
	v := world(t, mutual(ca, true))
	for _, p := range []string{metadataPath, ownPath + wellKnown, wellKnown, keySetPath, keySet, introspectPath, revokePath} {
		for _, r := range []running.Request{get(p), introspect(fixture.DeliverySecret).WithPath(p), get(p).WithMethod(http.MethodHead)} {
			checkNotFound(t, v.c.Do(r))
		}
	}
}

// everyEndpoint is one request to everything that a gateway answers.
func everyEndpoint(token string) cases {
	return cases{
		"metadata": get(metadataPath), "metadata behind the issuer": get(ownPath + wellKnown), "metadata of the host": get(wellKnown), "keys": get(keySetPath), "keys of the host": get(keySet),
		"token": running.T0(), "introspection": introspect(token), "revocation": revoke(token), "notification": running.N0(token),
	}
}

func TestBeforeTheDocumentsAreReadEverythingIs503(t *testing.T) {
	t.Parallel()
	v := world(t, nil)
	v.w.Stop()
	cluster := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(cluster.Close)
	dir := v.w.Options.StateDir
	v.w.Options.StateDir, v.w.Options.Cluster, v.w.Options.SystemNamespace = "", &rest.Config{Host: cluster.URL}, "d1gateway-system"
	v.w.Options.ReplicaName = "webhook-server-0"
	v.w.Run()
	requests := everyEndpoint(v.token)
	requests["another path"] = get("/x")
	v.expect(wantS, requests)
	v.w.Stop()
	cluster.CloseClientConnections()
	v.w.Options.StateDir, v.w.Options.Cluster = dir, nil
	v.w.Run()
	if a := v.c.Do(get(metadataPath)); a.Status != http.StatusOK {
		t.Errorf("afterwards: %s", a)
	}
}

func TestWhatMayBeInADocumentThatCannotBeServedYetIs503(t *testing.T) {
	t.Parallel()
	v := world(t, withOther)
	other := v.w.Documents.Another("initech", "MGW_000003", "initech-d1")
	v.w.WriteDocument(other.Gateway) // its secrets are missing
	v.w.Stop()
	v.w.Run()
	third := func(r running.Request) running.Request {
		return r.WithPath(strings.Replace(r.Path, fixture.GatewayID, "MGW_000003", 1))
	}
	v.expect(wantS, cases{
		"its metadata": third(get(metadataPath)), "its keys": third(get(keySetPath)), "its introspection": third(introspect("x")), "its revocation": third(revoke("x")),
		"a client that may be its own": as("initech-d1", introspect(v.token)),
	})
	v.isActive(t, introspect(v.token))
	v.expect(wantRevoked, cases{"revocation at another": atOther(as(otherClientID, revoke("x")))})
	if a := v.c.Do(get(keySetPath)); a.Status != http.StatusOK {
		t.Errorf("the keys of another: %s", a)
	}
}

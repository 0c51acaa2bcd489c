package introspection_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
	"github.com/d1gateway/d1gateway/webhook-server/token/introspection"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform/tokenformtest"
)

func newHandler(e *tokenformtest.Endpoint) http.Handler { return introspection.NewHandler(e.Options) }

func newEndpoint(t *testing.T) *tokenformtest.Endpoint {
	t.Helper()
	return tokenformtest.New(t, serving.IntrospectionPath, newHandler)
}

func TestItAuthenticatesAndRefusesAsTheTokenEndpointDoes(t *testing.T) {
	tokenformtest.Run(t, serving.IntrospectionPath, newHandler)
}

// introspect asks as RFC 7662 says and answers the members.
func introspect(e *tokenformtest.Endpoint, raw string) map[string]any {
	e.T.Helper()
	got := e.Send(e.Asking(raw))
	if got.Status != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
		e.T.Fatalf("answered %d %v %s", got.Status, got.Header, got.Body)
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(got.Body), &members); err != nil {
		e.T.Fatal(err)
	}
	return members
}

func TestALiveTokenIsActiveWithAllItSays(t *testing.T) {
	for name, c := range map[string]struct{ thumbprint string }{"bearer": {""}, "bound to a certificate": {"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			got := introspect(e, e.Issue(e.World, c.thumbprint))
			want := map[string]any{
				"active": true, "scope": "d1:notify", "client_id": fixture.ClientID, "sub": fixture.ClientID, "token_type": "Bearer",
				"iat": float64(e.Now.Unix()), "exp": float64(e.Now.Add(15 * time.Minute).Unix()), "aud": fixture.Issuer, "iss": fixture.Issuer,
			}
			if jti, _ := got["jti"].(string); jti == "" {
				t.Error("there is no jti")
			}
			if bound, ok := got["cnf"].(map[string]any); ok != (c.thumbprint != "") || ok && bound["x5t#S256"] != c.thumbprint {
				t.Errorf("cnf is %v", got["cnf"])
			}
			delete(got, "jti")
			delete(got, "cnf")
			if !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if outcome, client := e.Observer.Last(); outcome != introspection.Active || client != fixture.ClientID {
				t.Errorf("observed %q of %q", outcome, client)
			}
		})
	}
}

func TestAnotherClientOfTheGatewayMayAsk(t *testing.T) {
	e := newEndpoint(t)
	e.Colleague("is_tbank02")
	r := e.Asking(e.Issue(e.World, ""))
	r.Authorization = []string{fixture.BasicAuthorization("is_tbank02", fixture.ClientSecret)}
	if got := e.Send(r); !strings.HasPrefix(got.Body, `{"active":true,`) {
		t.Errorf("answered %s", got.Body)
	}
}

func TestWhatIsNotLiveIsInactiveAndNothingElse(t *testing.T) {
	for name, spoil := range map[string]func(e *tokenformtest.Endpoint, raw string) string{
		"garbage":           func(*tokenformtest.Endpoint, string) string { return "x.y.z" },
		"an altered one":    func(_ *tokenformtest.Endpoint, raw string) string { return tokenformtest.Altered(raw) },
		"a space before it": func(_ *tokenformtest.Endpoint, raw string) string { return " " + raw },
		"one longer than any": func(_ *tokenformtest.Endpoint, raw string) string {
			return raw + strings.Repeat("A", accesstoken.MaxTokenBytes)
		},
		"an expired one, within the skew": func(e *tokenformtest.Endpoint, raw string) string {
			e.Now = e.Now.Add(15 * time.Minute)
			if !e.Live(e.World, raw) {
				e.T.Error("the notification endpoint does not accept it: the case shows nothing")
			}
			return raw
		},
		"an expired one": func(e *tokenformtest.Endpoint, raw string) string { e.Now = e.Now.Add(time.Hour); return raw },
		"another gateway's": func(e *tokenformtest.Endpoint, _ string) string {
			return e.Issue(e.Another("globex", "MGW_000002", "is_tbank02"), "")
		},
		"another gateway's client of the same id": func(e *tokenformtest.Endpoint, _ string) string {
			other := e.Another("globex", "MGW_000002", "is_tbank02")
			other.Client.ClientID = fixture.ClientID
			other.Publish()
			return e.Issue(other, "")
		},
		"a suspended client's": func(e *tokenformtest.Endpoint, _ string) string {
			colleague := e.Colleague("is_tbank02")
			raw := e.Issue(colleague, "")
			colleague.Client.Suspended = true
			colleague.Publish()
			return raw
		},
		"a deleted client's": func(e *tokenformtest.Endpoint, _ string) string {
			colleague := e.Colleague("is_tbank02")
			raw := e.Issue(colleague, "")
			e.Delete(colleague.Client)
			return raw
		},
		"a revoked one": func(e *tokenformtest.Endpoint, raw string) string {
			e.Revocations.Add(fixture.GatewayID, introspect(e, raw)["jti"].(string), e.Now.Add(time.Hour))
			return raw
		},
		"one of a withdrawn key, which is still among the secrets": func(e *tokenformtest.Endpoint, raw string) string {
			e.Secrets.SigningKeys = append(e.Secrets.SigningKeys, fixture.SigningKey(e.T, "key-2", api.ES256, fixture.Now()))
			e.Gateway.SigningKeys = []string{"key-2"}
			e.Publish()
			return raw
		},
		"one of a key that is gone": func(e *tokenformtest.Endpoint, raw string) string {
			e.Secrets.SigningKeys = []api.SigningKey{fixture.SigningKey(e.T, "key-2", api.ES256, fixture.Now())}
			e.Gateway.SigningKeys = []string{"key-2"}
			e.Publish()
			return raw
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			raw := e.Issue(e.World, "")
			if introspect(e, raw)["active"] != true {
				t.Fatal("it is not active before")
			}
			got := e.Send(e.Asking(spoil(e, raw)))
			if got.Status != http.StatusOK || got.Body != `{"active":false}` {
				t.Errorf("answered %d %s", got.Status, got.Body)
			}
			if outcome, _ := e.Observer.Last(); outcome != introspection.Inactive {
				t.Errorf("observed %q", outcome)
			}
		})
	}
}

func TestATokenIsActiveToItsLastSecond(t *testing.T) {
	e := newEndpoint(t)
	raw := e.Issue(e.World, "")
	e.Now = e.Now.Add(15*time.Minute - time.Second)
	if introspect(e, raw)["active"] != true {
		t.Error("it is inactive a second before its end")
	}
}

func TestNothingThatIsHandedInIsLoggedOrEchoed(t *testing.T) {
	const planted = "planted-s3cret-4111111111111111"
	e := newEndpoint(t)
	raw := e.Issue(e.World, "")
	var answers strings.Builder
	for _, authorization := range []string{fixture.Basic, fixture.BasicAuthorization(planted, planted), "Basic " + planted, "Bearer " + raw} {
		for _, body := range []string{"token=" + planted, "token=" + raw, "token=" + raw + "x", "token=" + raw + "&token=" + raw, "client_secret=" + planted, planted + "%"} {
			r := e.Asking("")
			r.Authorization, r.Body = []string{authorization}, body
			got := e.Send(r)
			answers.WriteString(got.Body)
			_ = got.Header.Write(&answers)
		}
	}
	if !strings.Contains(e.Log.String(), "client authentication failed") {
		t.Fatalf("failures are not logged: %s", e.Log)
	}
	for what, unwanted := range map[string]string{"what was planted": "planted-s3cret", "a card number": "4111111111111111", "the token": raw} {
		if strings.Contains(e.Log.String(), unwanted) {
			t.Errorf("%s is logged", what)
		}
		if strings.Contains(answers.String(), unwanted) {
			t.Errorf("%s is answered", what)
		}
	}
}

func TestPathsOfTheEndpoint(t *testing.T) {
	for path, want := range map[string]bool{
		"/merchant-gateways/MGW_000001/oauth2/introspect": true, "/d1/merchant-gateways/MGW_000001/oauth2/introspect": true,
		"/oauth2/introspect": false, "/merchant-gateways/MGW_000001/oauth2/introspect/": false, "/merchant-gateways/MGW/oauth2/introspect": false,
		"/merchant-gateways/MGW_000001/oauth2/revoke": false, "/merchant-gateways/MGW_000001/x/oauth2/introspect": false, "": false,
	} {
		if introspection.IsPath(path) != want {
			t.Errorf("IsPath(%q) is %v", path, !want)
		}
	}
}

func TestOutcomesAreNamedOnce(t *testing.T) {
	all := introspection.Outcomes()
	slices.Sort(all)
	if unique := slices.Compact(slices.Clone(all)); len(unique) != len(all) || !slices.Contains(all, clientauth.BadClient) || !slices.Contains(all, introspection.Active) {
		t.Errorf("outcomes are %v", all)
	}
}

package contract_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// The clients of the base gateway beside the base client.
const (
	secondClientID    = "is_second01"
	suspendedClientID = "is_suspended"
)

// withClients adds the other gateway and the other clients of the base gateway.
func withClients(w *running.World) {
	withOther(w)
	w.AnotherClient(w.Documents, secondClientID).Scopes = []string{"d1:other", api.NotifyScope}
	w.AnotherClient(w.Documents, suspendedClientID).Suspended = true
}

func TestIntrospectionOfLiveTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t, withClients)
	s.everywhere(t, func(v *visit) {
		second := v.w.TokenOf(v.c, secondClientID, fixture.ClientSecret)
		for name, tc := range map[string]struct {
			r             running.Request
			client, scope string
		}{
			"its own token":                 {introspect(v.token), fixture.ClientID, api.NotifyScope},
			"another client's token":        {introspect(second), secondClientID, "d1:other " + api.NotifyScope},
			"its token, asked by another":   {as(secondClientID, introspect(v.token)), fixture.ClientID, api.NotifyScope},
			"with a hint":                   {introspect(v.token).WithBody("token_type_hint=access_token&token=" + v.token), fixture.ClientID, api.NotifyScope},
			"with a hint of nothing known":  {introspect(v.token).WithBody("token_type_hint=refresh_token&token=" + v.token), fixture.ClientID, api.NotifyScope},
			"with unknown parameters":       {introspect(v.token).WithBody("x=y&x=z&token=" + v.token), fixture.ClientID, api.NotifyScope},
			"with another token in a query": {introspect(v.token).WithPath(introspectPath + "?token=x"), fixture.ClientID, api.NotifyScope},
			"chunked":                       {introspect(v.token).WithChunks(), fixture.ClientID, api.NotifyScope},
			"a path with escapes":           {introspect(v.token).WithPath(strings.Replace(introspectPath, "MGW", "%4D%47%57", 1)), fixture.ClientID, api.NotifyScope},
		} {
			v.Run(name, func(t *testing.T) {
				o := v.isActive(t, tc.r)
				for member, want := range map[string]any{"client_id": tc.client, "sub": tc.client, "scope": tc.scope, "iss": fixture.Issuer, "aud": fixture.Issuer, "token_type": "Bearer"} {
					if o[member] != want {
						t.Errorf("%s is %v", member, o[member])
					}
				}
				exp, _ := o["exp"].(float64)
				iat, _ := o["iat"].(float64)
				if exp-iat != 900 || time.Since(time.Unix(int64(iat), 0)).Abs() > time.Minute {
					t.Errorf("it lives from %v to %v", o["iat"], o["exp"])
				}
			})
		}
	})
}

// dead are tokens that are not live at the base gateway, by why.
func dead(v *visit) map[string]string {
	v.Helper()
	m := newMint(v.T, v.w.Documents)
	now := time.Now().Unix()
	all := map[string]string{
		"garbage":                    "garbage",
		"three parts":                "a.b.c",
		"too long":                   strings.Repeat("t", 5000),
		"not UTF-8":                  "\xff\xfe",
		"blank":                      " ",
		"a card number":              "4111111111111111",
		"expired, within the skew":   m.token(nil, object{"iat": now - 930, "exp": now - 1}),
		"expired long ago":           m.token(nil, object{"iat": now - 9000, "exp": now - 8100}),
		"of a suspended client":      m.token(nil, object{"sub": suspendedClientID, "client_id": suspendedClientID}),
		"of nobody":                  m.token(nil, object{"sub": "nobody", "client_id": "nobody"}),
		"altered":                    v.token[:len(v.token)-8] + "AAAAAAAA",
		"without its signature":      v.token[:strings.LastIndexByte(v.token, '.')+1],
		"of a key that is not ours":  m.token(object{"kid": "globex-key-1"}, nil),
		"issued in the future":       m.token(nil, object{"iat": now + 600, "exp": now + 900}),
		"of another issuer":          m.token(nil, object{"iss": "https://evil.example"}),
		"of the other gateway":       v.w.TokenOf(v.c, otherClientID, fixture.ClientSecret),
		"an assertion, not a token":  m.token(object{"typ": "JWT"}, nil),
		"of a client of the other's": m.token(nil, object{"sub": otherClientID, "client_id": otherClientID}),
	}
	for _, token := range all {
		if len(token) > 100 && !strings.HasPrefix(token, "tt") {
			v.w.Planted(token)
		}
	}
	return all
}

func TestIntrospectionOfWhatIsNotLive(t *testing.T) {
	t.Parallel()
	s := newSite(t, withClients)
	s.everywhere(t, func(v *visit) {
		requests := cases{}
		for name, token := range dead(v) {
			requests[name] = introspect(token)
		}
		v.expect(wantInactive, requests)
	})
}

// malformedForms are requests of the base client that no endpoint of that form takes.
func malformedForms(good running.Request) cases {
	token := strings.TrimPrefix(good.Body, "token=")
	return cases{
		"no token":                good.WithBody("x=y"),
		"an empty token":          good.WithBody("token="),
		"an empty body":           good.WithBody(""),
		"two tokens":              good.WithBody("token=" + token + "&token=" + token),
		"a token and an empty":    good.WithBody("token=" + token + "&token="),
		"only in the query":       good.WithBody("x=y").WithPath(good.Path + "?token=" + token),
		"the name in capitals":    good.WithBody("TOKEN=" + token),
		"malformed escapes":       good.WithBody("token=%zz"),
		"JSON":                    good.WithBody(`{"token":"`+token+`"}`).With("Content-Type", "application/json"),
		"a wrong Content-Type":    good.With("Content-Type", "text/plain"),
		"no Content-Type":         good.With("Content-Type"),
		"two Content-Types":       good.With("Content-Type", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
		"a Content-Encoding":      good.With("Content-Encoding", "gzip"),
		"a body over 8 KiB":       good.WithBody("token=" + token + "&x=" + strings.Repeat("x", 8<<10)),
		"two Authorizations":      good.With("Authorization", fixture.Basic, fixture.Basic),
		"a secret as well":        good.WithBody(good.Body + "&client_secret=123"),
		"another client_id":       good.WithBody(good.Body + "&client_id=" + secondClientID),
		"an assertion as well":    good.WithBody(good.Body + "&client_assertion=a.b.c&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
		"a malformed other field": good.WithBody(good.Body + "&x=%"),
	}
}

// badClients are requests whose client has not authenticated, whatever else is right or wrong with them.
func badClients(good running.Request) cases {
	all := cases{
		"no Authorization":               good.With("Authorization"),
		"an empty one":                   good.With("Authorization", ""),
		"a wrong secret":                 good.With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "124")),
		"an unknown client":              as("nobody", good),
		"a suspended client":             as(suspendedClientID, good),
		"a client of another gateway":    as(otherClientID, good),
		"the token itself":               good.With("Authorization", "Bearer "+strings.TrimPrefix(good.Body, "token=")),
		"credentials in the body":        good.With("Authorization").WithBody(good.Body + "&client_id=is_tbank01&client_secret=123"),
		"a client_id alone":              good.With("Authorization").WithBody(good.Body + "&client_id=is_tbank01"),
		"credentials in the query":       good.With("Authorization").WithPath(good.Path + "?client_id=is_tbank01&client_secret=123"),
		"nothing that can be read":       good.With("Authorization", "Basic !!!"),
		"nothing, and a malformed form":  good.With("Authorization").WithBody("%zz"),
		"nothing, and no form":           good.With("Authorization").With("Content-Type", "text/plain"),
		"nothing, and a body over 8 KiB": good.With("Authorization").WithBody(strings.Repeat("x", 9<<10)),
	}
	for name, r := range malformedForms(good) {
		if len(r.Header["Authorization"]) == 1 {
			all["a wrong secret and "+name] = r.With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "124"))
		}
	}
	return all
}

func TestMalformedRequestsAboutTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t, withClients)
	s.everywhere(t, func(v *visit) {
		for name, good := range (cases{"introspection": introspect(v.token), "revocation": revoke(v.token)}) {
			v.Run(name, func(t *testing.T) {
				sub := &visit{T: t, w: v.w, c: v.c.For(t), token: v.token}
				sub.expect(wantBR("invalid_request"), malformedForms(good))
				for why, r := range badClients(good) {
					// Each from an address of its own: so many failures from one would be too many.
					if a := v.w.Over(v.c.Transport).For(t).Do(r); a.Status != http.StatusUnauthorized {
						t.Errorf("%s is answered %s", why, a)
					}
				}
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace} {
					wantNotAllowed.check(t, v.c.For(t).Do(good.WithMethod(method)))
				}
			})
		}
		v.isActive(v.T, introspect(v.token)) // nothing of this has ended it
	})
}

func TestFailuresAtEveryEndpointAreCountedTogether(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newSite(t, func(w *running.World) {
		withClients(w)
		w.Options.Now = func() time.Time { return now } // so that nothing is forgiven meanwhile
	})
	s.everywhere(t, func(v *visit) {
		attacker := v.w.Over(v.c.Transport).For(v.T)
		wrong := []running.Request{}
		for _, r := range beside(v.token) {
			wrong = append(wrong, r.With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "124")))
		}
		failures := 0
		for attacker.Do(wrong[failures%len(wrong)]).Status == http.StatusUnauthorized {
			if failures++; failures > 50 {
				v.Fatalf("%d failures over three endpoints are not shed", failures)
			}
		}
		if failures != 50 {
			v.Errorf("shed after %d failures, the documents say 50", failures)
		}
		shed := &visit{T: v.T, w: v.w, c: attacker}
		right := maps.Clone(beside(v.token))
		shed.expect(wantS, right)
		shed.expect(wantInactive, cases{"another client from there": as(secondClientID, introspect("x"))})
		v.isActive(v.T, introspect(v.token)) // from elsewhere
	})
}

package contract_test

import (
	"bufio"
	"database/sql"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// TestEveryAnswerBesideD1sOperations sends requests that are wrong in several ways at once. What they are answered is judged by package
// running alone, and at the end no credential, assertion, private key or token that was sent may be found in what the server has shown.
func TestEveryAnswerBesideD1sOperations(t *testing.T) {
	t.Parallel()
	key := fixture.NewClientKey(t, "key", "ES256")
	const wrongSecret = "a-wrong-secret-that-nobody-must-see"
	s := newSite(t, func(w *running.World) {
		withClients(w)
		withKeys(key)(w)
		w.Documents.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.ClientSecretPost, api.PrivateKeyJWT}
		w.Planted(wrongSecret)
	})
	s.everywhere(t, func(v *visit) {
		c := asserting{v.T, key}
		ofKeys := c.token(v)
		// The seed is fixed, so that a failure comes back.
		random := rand.New(rand.NewPCG(2, uint64(len(v.c.Transport.Name))))
		pick := func(choices ...string) string { return choices[random.IntN(len(choices))] }
		statuses := map[int]int{}
		// From several addresses, so that the failures of one are not too many.
		var sources []*running.Client
		for range 10 {
			sources = append(sources, v.w.Over(v.c.Transport).For(v.T))
		}
		for i := range 200 {
			r := running.Request{Method: pick("POST", "POST", "POST", "POST", "GET", "HEAD", "PUT", "OPTIONS"), Header: http.Header{}}
			r.Path = pick(introspectPath, introspectPath, revokePath, revokePath, metadataPath, keySetPath, keySet, wellKnown)
			r.Path = strings.Replace(r.Path, fixture.GatewayID, pick(slices.Concat(slices.Repeat([]string{fixture.GatewayID}, 10), []string{otherGatewayID, "MGW_000009", "x", "%00"})...), 1)
			r.Path += pick("", "", "", "", "", "", "", "?token=x", "/", "%2F")
			token := url.QueryEscape(pick(v.token, ofKeys, "garbage", "4111111111111111", "\xff", strings.Repeat("t", 5000)))
			r.Body = pick("token=", "token=", "token=", "x=") + token + pick("", "", "", "&token="+token, "&token_type_hint=refresh_token", "&x=%zz", "&client_id="+fixture.ClientID, "&client_id=nobody",
				"&client_id="+fixture.ClientID+"&client_secret="+wrongSecret, "&client_id="+fixture.ClientID+"&client_secret=123")
			if random.IntN(6) == 0 {
				assertion := c.assertion(nil, object{"aud": pick(fixture.Issuer, fixture.Issuer, "https://evil.example")})
				r.Body += "&client_assertion_type=" + url.QueryEscape(assertionType) + "&client_assertion=" + assertion
			}
			set := func(name string, choices ...string) {
				if value := pick(choices...); value != "" {
					r = r.With(name, strings.Split(value, "|")...)
				}
			}
			set("Authorization", fixture.Basic, fixture.Basic, fixture.Basic, "", "", "Bearer "+v.token, fixture.BasicAuthorization(fixture.ClientID, wrongSecret), fixture.BasicAuthorization(secondClientID, fixture.ClientSecret), fixture.Basic+"|"+fixture.Basic)
			set("Content-Type", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8", "application/json", "")
			set("Content-Encoding", "", "", "", "gzip")
			set("Accept", "", "application/jwt", "text/html")
			r.Chunked = random.IntN(4) == 0
			a := sources[i%len(sources)].Do(r)
			statuses[a.Status]++
			if v.Failed() {
				v.Fatalf("request %d: %+v", i, r)
			}
		}
		for _, status := range []int{200, 400, 401, 404, 405} {
			if statuses[status] == 0 {
				v.Errorf("no request was answered %d: %v", status, statuses)
			}
		}
	})
}

func TestPanicsAtTheEndpointsBesideD1s(t *testing.T) {
	t.Parallel()
	for message, tc := range map[string]struct {
		request func(token string) running.Request
		dead    bool // the token, afterwards
	}{
		"client authenticated":                             {introspect, false},
		"client authentication failed":                     {func(token string) running.Request { return as("nobody", revoke(token)) }, false},
		"access token revoked":                             {revoke, true},
		"access token not revoked, it is another client's": {func(token string) running.Request { return as(secondClientID, revoke(token)) }, false},
	} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			w := running.Start(t, func(w *running.World) {
				withClients(w)
				w.Planted("planted-in-a-panic")
				w.Options.Logger = slog.New(panicking{w.Options.Logger.Handler(), message})
			})
			for _, transport := range w.Transports() {
				v := &visit{T: t, w: w, c: w.Over(transport).For(t)}
				token := newMint(t, w.Documents).token(nil, object{"jti": transport.Name})
				w.Planted(token)
				v.expect(wantS, cases{"it": tc.request(token)})
				want := map[bool]want{true: wantInvalidToken, false: wantA}[tc.dead]
				v.expect(want, cases{"the token afterwards": running.N0(token)})
			}
			if !strings.Contains(w.Log.String(), "panicked") {
				t.Error("nobody panicked")
			}
		})
	}
}

// TestATokenThatCouldNotBeRevokedLivesOn holds the lock that every commit needs, until the server gives up.
func TestATokenThatCouldNotBeRevokedLivesOn(t *testing.T) {
	t.Parallel()
	v := world(t, nil)
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(v.w.Options.Store, "sqlite:")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	holder, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	token := v.w.Token(v.c)
	v.expect(wantS, cases{"while the store is down": revoke(token)})
	v.isActive(t, introspect(token)) // it needs no store
	if _, err := holder.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	v.expect(wantRevoked, cases{"afterwards": revoke(token)})
	v.expect(wantInvalidToken, cases{"notification": running.N0(token)})
}

func TestABodyThatDoesNotComeIs503(t *testing.T) {
	t.Parallel()
	v := world(t, nil)
	for name, r := range (cases{"introspection": introspect(v.token), "revocation": revoke(v.token)}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := v.c.For(t)
			connection := c.Dial()
			if _, err := connection.Write([]byte(strings.TrimSuffix(r.Text(), r.Body[1:]))); err != nil {
				t.Fatal(err)
			}
			a, err := c.ReadAnswer(bufio.NewReader(connection), r.Method, r.Path)
			if err != nil {
				t.Fatal(err)
			}
			wantS.check(t, a)
		})
	}
}

func TestEachEndpointIsCounted(t *testing.T) {
	t.Parallel()
	v := world(t, nil)
	token := v.w.Token(v.c)
	v.isActive(t, introspect(token))
	v.expect(wantInactive, cases{"inactive": introspect("x")})
	v.expect(wantRevoked, cases{"revoked": revoke(token), "nothing": revoke("x")})
	v.c.Do(get(metadataPath))
	_, page := v.w.Get(v.w.MetricsURL("/metrics"))
	for _, metric := range []string{`outcome="active"`, `outcome="inactive"`, `outcome="revoked"`, `outcome="nothing_to_revoke"`, `document="metadata"`, `document="jwks"`} {
		if !strings.Contains(page, metric) {
			t.Errorf("the metrics have no %s", metric)
		}
	}
	if jti, _ := v.isActive(t, introspect(v.token))["jti"].(string); strings.Contains(page, jti) {
		t.Error("the metrics name a token")
	}
}

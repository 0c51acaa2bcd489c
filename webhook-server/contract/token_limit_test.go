package contract_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

const (
	// few failures are always answered as what they are; after hundreds of them the source is always shed.
	few      = 10
	hundreds = 400
)

// exhaust fails from c until it is shed, and answers after how many failures.
func exhaust(t *testing.T, c *running.Client, wrong running.Request) int {
	t.Helper()
	for n := range hundreds {
		a := c.Do(wrong)
		if a.Status == http.StatusServiceUnavailable {
			return n
		}
		wantIC.check(t, a)
	}
	t.Fatalf("%d failures are not shed", hundreds)
	return 0
}

func testTooManyFailures(t *testing.T, _ *site) {
	clock := &running.Clock{}
	s := newSite(t, func(w *running.World) {
		w.Options.Now = clock.Now
		w.Another("globex", "MGW_000002", "globex-d1")
	})
	wrong, right := basic(fixture.ClientID, "124"), running.T0()
	for name, request := range map[string]running.Request{"a known client": wrong, "an unknown client": basic("nobody", "124")} {
		t.Run(name, func(t *testing.T) {
			s.everywhere(t, func(v *visit) {
				attacker := v.w.Over(v.c.Transport).For(v.T)
				if n := exhaust(v.T, attacker, request); n < few {
					v.Errorf("shed after %d failures", n)
				}
				from := &visit{T: v.T, w: v.w, c: attacker}
				from.expect(wantS, cases{"one more": request, "one more, malformed": request.WithBody("%zz"), "the same on the Issuer path": request.WithPath(fixture.IssuerTokenPath)})
				from.expect(wantOK, cases{"another client from there": basic("globex-d1", fixture.ClientSecret)})
				v.expect(wantOK, cases{"a correct secret from elsewhere": right})
				v.expect(wantIC, cases{"a wrong secret from elsewhere": wrong})
				v.expect(wantA, cases{"a token that it has": v.n0()})
			})
		})
	}
	t.Run("the metric", func(t *testing.T) {
		v := world(t, nil)
		exhaust(t, v.c, wrong)
		if n := v.w.Metric(`d1gateway_token_requests_total{gateway="",outcome="too_many_failures"}`); n != "1" {
			t.Errorf("the metric says %q", n)
		}
	})
	t.Run("many sources together", func(t *testing.T) {
		v := world(t, nil)
		for range 100 {
			c := v.w.Over(running.HTTP1).For(t)
			for range few {
				wantIC.check(t, c.Do(wrong))
			}
		}
		v.expect(wantOK, cases{"a correct secret from elsewhere": right})
		wantOK.check(t, v.w.Over(running.HTTP1).For(t).Do(right))
	})
	t.Run("a few failures and a success, over and over", func(t *testing.T) {
		v := world(t, nil)
		for range 4 {
			for range few {
				v.expect(wantIC, cases{"wrong": wrong})
			}
			v.expect(wantOK, cases{"right": right})
		}
	})
	t.Run("it ends", func(t *testing.T) {
		own := &running.Clock{}
		v := world(t, func(w *running.World) { w.Options.Now = own.Now })
		exhaust(t, v.c, wrong)
		v.expect(wantS, cases{"right at once": right})
		own.Forward(time.Hour)
		v.expect(wantOK, cases{"right an hour later": right})
		v.expect(wantIC, cases{"wrong an hour later": wrong})
	})
}

// allowPost lets the clients of the gateway send their credentials in the form body too.
func allowPost(w *running.World) {
	w.Documents.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.ClientSecretPost}
}

func testBodyCredentialsAllowed(t *testing.T) {
	const secret = "a:b%20+&=é"
	s := newSite(t, func(w *running.World) {
		withSecrets(secret)(w)
		allowPost(w)
	})
	t0 := running.T0().With("Authorization")
	with := func(more string) running.Request { return t0.WithBody(t0.Body + more) }
	s.everywhere(t, func(v *visit) {
		v.expect(wantOK, cases{
			"right ones":                with("&client_id=is_tbank01&client_secret=123"),
			"before grant_type":         t0.WithBody("client_secret=123&client_id=is_tbank01&" + t0.Body),
			"on the Issuer path":        with("&client_id=is_tbank01&client_secret=123").WithPath(fixture.IssuerTokenPath),
			"form-encoded":              with("&client_id=is%5Ftbank01&client_secret=" + url.QueryEscape(secret)),
			"Basic all the same":        running.T0(),
			"chunked":                   with("&client_id=is_tbank01&client_secret=123").WithChunks(),
			"others in the query":       with("&client_id=is_tbank01&client_secret=123").WithPath(t0.Path + "?client_id=x&client_secret=y"),
			"unknown parameters beside": with("&client_id=is_tbank01&client_secret=123&foo=bar"),
		})
		v.expect(wantIC, cases{
			"wrong secret":                with("&client_id=is_tbank01&client_secret=124"),
			"unknown client":              with("&client_id=nobody&client_secret=123"),
			"no secret":                   with("&client_id=is_tbank01"),
			"an empty secret":             with("&client_id=is_tbank01&client_secret="),
			"no id":                       with("&client_secret=123"),
			"in the query alone":          t0.WithPath(t0.Path + "?client_id=is_tbank01&client_secret=123"),
			"encoded twice":               with("&client_id=is_tbank01&client_secret=" + url.QueryEscape(url.QueryEscape(secret))),
			"wrong secret and malformed":  t0.WithBody("grant_type=password&client_id=is_tbank01&client_secret=124"),
			"names in capitals":           with("&CLIENT_ID=is_tbank01&CLIENT_SECRET=123"),
			"an Authorization of nothing": with("&client_id=is_tbank01&client_secret=123").With("Authorization", ""),
		})
		v.expect(wantBR("invalid_request"), cases{
			"Basic as well":            running.T0().WithBody(t0.Body + "&client_id=is_tbank01&client_secret=123"),
			"Basic and a wrong one":    running.T0().WithBody(t0.Body + "&client_secret=124"),
			"repeated grant_type":      with("&client_id=is_tbank01&client_secret=123&" + t0.Body),
			"an assertion as well":     with("&client_id=is_tbank01&client_secret=123&client_assertion=a.b.c"),
			"no grant_type":            t0.WithBody("client_id=is_tbank01&client_secret=123"),
			"repeated scope":           with("&client_id=is_tbank01&client_secret=123&scope=d1:notify&scope=d1:notify"),
			"two empty Authorizations": with("&client_id=is_tbank01&client_secret=123").With("Authorization", "", ""),
		})
		v.expect(wantBR("unsupported_grant_type"), cases{"other grant_type": t0.WithBody("grant_type=password&client_id=is_tbank01&client_secret=123")})
		v.expect(wantBR("invalid_scope"), cases{"scope not allowed": with("&client_id=is_tbank01&client_secret=123&scope=admin")})
	})
	t.Run("Basic not allowed", func(t *testing.T) {
		v := world(t, func(w *running.World) { w.Documents.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretPost} })
		v.expect(wantIC, cases{"Basic": running.T0()})
		v.expect(wantOK, cases{"in the body": with("&client_id=is_tbank01&client_secret=123")})
	})
}

package contract_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// issued decodes a token answer, expires_in as it is written.
func issued(t *testing.T, a running.Answer) (body struct {
	ExpiresIn json.RawMessage `json:"expires_in"`
	ExpiresAt time.Time       `json:"expires_at"`
	Scope     *string         `json:"scope"`
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != http.StatusOK {
		t.Fatalf("answer %s: %v", a, err)
	}
	return body
}

func testT0(t *testing.T, s *site) {
	t0 := running.T0()
	s.everywhere(t, func(v *visit) {
		body := issued(v.T, v.c.Do(t0))
		if string(body.ExpiresIn) != "900" {
			v.Errorf("expires_in is %s", body.ExpiresIn)
		}
		if left := time.Until(body.ExpiresAt); left < 14*time.Minute || left > 16*time.Minute {
			v.Errorf("expires_at is %s away", left)
		}
		if body.Scope == nil || *body.Scope != "d1:notify" {
			v.Error("nothing was asked for, and the scope is not named")
		}
		v.expect(wantOK, cases{
			"with a query":                      t0.WithPath(t0.Path + "?x=1&grant_type=password"),
			"with an empty query":               t0.WithPath(t0.Path + "?"),
			"to another host":                   t0.WithHost("d1.acme.example"),
			"to a host with a port":             t0.WithHost("D1.acme.example:8443"),
			"with headers that nobody knows":    t0.With("X-Anything", "x").With("Accept", "text/html").With("Origin", "https://x.example").With("Cookie", "a=b"),
			"without its length":                t0.WithChunks(),
			"with Expect":                       t0.With("Expect", "100-continue"),
			"with a malformed x-correlation-id": t0.With("x-correlation-id", `"<x>`),
			"path letters percent-encoded":      t0.WithPath("/%6Fauth2/tok%65n"),
		})
		first, second := v.c.Do(t0).Token(), v.c.Do(t0).Token()
		if first == second {
			v.Error("two requests got the same token")
		}
	})
	s.overHTTP1(t, func(v *visit) {
		text := t0.Text()
		for name, raw := range map[string]string{
			"absolute form":                  strings.Replace(text, " /oauth2", " http://localhost/oauth2", 1),
			"HTTP/1.0":                       strings.Replace(text, "HTTP/1.1", "HTTP/1.0", 1),
			"field names in small letters":   strings.NewReplacer("Authorization:", "authorization:", "Content-Type:", "content-type:", "Host:", "host:", "Content-Length:", "content-length:").Replace(text),
			"field names in capitals":        strings.NewReplacer("Authorization:", "AUTHORIZATION:", "Content-Type:", "CONTENT-TYPE:", "Host:", "HOST:", "Content-Length:", "CONTENT-LENGTH:").Replace(text),
			"tabs and spaces around a value": strings.NewReplacer("Authorization: ", "Authorization:\t  ", "urlencoded\r\n", "urlencoded \t\r\n").Replace(text),
			"no space after the colon":       strings.NewReplacer("Authorization: ", "Authorization:", "Content-Type: ", "Content-Type:").Replace(text),
		} {
			v.Run(name, func(t *testing.T) {
				wantOK.check(t, v.c.For(t).Raw(http.MethodPost, raw))
			})
		}
	})
}

func testT0Issuer(t *testing.T, s *site) {
	t0 := running.T0().WithPath(fixture.IssuerTokenPath)
	s.everywhere(t, func(v *visit) {
		a := v.c.Do(t0)
		if body := issued(v.T, a); string(body.ExpiresIn) != `"900"` {
			v.Errorf("expires_in is %s", body.ExpiresIn)
		}
		wantA.check(v.T, v.c.Do(running.N0(a.Token())))
		v.expect(wantIC, cases{"wrong secret": t0.With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "124")), "no Authorization": t0.With("Authorization")})
		v.expect(wantBR("unsupported_grant_type"), cases{"other grant_type": t0.WithBody("grant_type=password")})
		v.expect(wantBR("invalid_request"), cases{"empty body": t0.WithBody("")})
		v.expect(wantBR("invalid_scope"), cases{"scope not allowed": t0.WithBody(t0.Body + "&scope=admin")})
		v.expect(wantNotAllowed, cases{"GET": t0.WithMethod(http.MethodGet).WithBody("")})
	})
}

func testScope(t *testing.T, _ *site) {
	s := newSite(t, func(w *running.World) { w.Documents.Client.Scopes = []string{"d1:notify", "d1:other", "urn:x/y?z#[]!"} })
	body := func(scope string) running.Request {
		return running.T0().WithBody("grant_type=client_credentials&scope=" + scope)
	}
	s.inBothVersions(t, func(v *visit) {
		all := "d1:notify d1:other urn:x/y?z#[]!"
		for name, tc := range map[string]struct {
			request running.Request
			// named is the scope in the answer; "" when it is what was asked for, and then not named.
			named string
		}{
			"none":                       {running.T0(), all},
			"an empty one":               {body(""), all},
			"one that is allowed":        {body("d1:notify"), ""},
			"its colon percent-encoded":  {body("d1%3Anotify"), ""},
			"all characters that may be": {body("urn%3Ax%2Fy%3Fz%23%5B%5D%21"), ""},
			"two":                        {body("d1:notify+d1:other"), ""},
			"two in the other order":     {body("d1:other%20d1:notify"), ""},
			"one twice":                  {body("d1:notify+d1:notify"), "d1:notify"},
			"one in the query":           {running.T0().WithPath(fixture.TokenPath + "?scope=admin"), all},
		} {
			v.Run(name, func(t *testing.T) {
				got := issued(t, v.c.For(t).Do(tc.request)).Scope
				if tc.named == "" && got != nil || tc.named != "" && (got == nil || *got != tc.named) {
					t.Errorf("scope is %v, want %q", got, tc.named)
				}
			})
		}
		v.expect(wantBR("invalid_scope"), cases{
			"not allowed":               body("admin"),
			"allowed and not allowed":   body("d1:notify+admin"),
			"in capitals":               body("D1:NOTIFY"),
			"two spaces between":        body("d1:notify++d1:other"),
			"a space before":            body("+d1:notify"),
			"a space behind":            body("d1:notify+"),
			"a tab between":             body("d1:notify%09d1:other"),
			"a comma between":           body("d1:notify,d1:other"),
			"a space only":              body("+"),
			"a NUL behind":              body("d1:notify%00"),
			"a quotation mark":          body("%22d1:notify%22"),
			"broken UTF-8":              body("d1:notify%ff"),
			"part of one":               body("d1:"),
			"twice percent-encoded":     body("d1%253Anotify"),
			"of the offline kind":       body("openid+offline_access"),
			"a thousand times the same": body(strings.Repeat("x+", 1000) + "x"),
		})
		v.expect(wantBR("invalid_request"), cases{
			"two parameters":       body("d1:notify&scope=d1:other"),
			"two of them the same": body("d1:notify&scope=d1:notify"),
		})
	})
}

func testUnknownParameters(t *testing.T, s *site) {
	t0 := running.T0()
	s.inBothVersions(t, func(v *visit) {
		v.expect(wantOK, cases{
			"one":                                 t0.WithBody(t0.Body + "&foo=bar"),
			"before grant_type":                   t0.WithBody("foo=bar&" + t0.Body),
			"many":                                t0.WithBody(t0.Body + strings.Repeat("&p=v", 500)),
			"without a value":                     t0.WithBody(t0.Body + "&foo"),
			"without a name":                      t0.WithBody(t0.Body + "&=bar"),
			"empty pairs":                         t0.WithBody("&&" + t0.Body + "&&"),
			"names that look alike":               t0.WithBody(t0.Body + "&Grant_Type=password&grant_type%20=x&grant-type=y&scopes=admin"),
			"audience and resource":               t0.WithBody(t0.Body + "&audience=https%3A%2F%2Fx.example&resource=urn:x"),
			"a name with brackets":                t0.WithBody(t0.Body + "&grant_type[]=password"),
			"a NUL":                               t0.WithBody(t0.Body + "&foo=%00"),
			"a semicolon":                         t0.WithBody(t0.Body + "&foo=a;grant_type=password"),
			"plus signs":                          t0.WithBody(t0.Body + "&a+b=c+d"),
			"the client's own id":                 t0.WithBody(t0.Body + "&client_id=" + fixture.ClientID),
			"percent-encoded names that are ours": t0.WithBody("%67rant_type=client%5Fcredentials"),
		})
	})
}

package token_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token"
)

func TestT0(t *testing.T) {
	e := newEndpoint(t)
	got := e.wantOK(e.send(t0()))
	if got["expires_in"] != float64(900) {
		t.Errorf("expires_in is %v", got["expires_in"])
	}
	if want := fixture.Now().Add(15 * time.Minute).Format(time.RFC3339); got["expires_at"] != want || !strings.HasSuffix(want, "Z") {
		t.Errorf("expires_at is %v, want %s", got["expires_at"], want)
	}
	if !slices.Equal(e.observer.authenticated, []string{"first"}) || !slices.Equal(e.observer.outcomes, []token.Outcome{token.Issued}) {
		t.Errorf("observed %v, %v", e.observer.authenticated, e.observer.outcomes)
	}
}

func TestT0OnAnIssuerPathHasExpiresInAsAStringOfDigits(t *testing.T) {
	e := newEndpoint(t)
	r := t0()
	r.path = fixture.IssuerTokenPath
	if got := e.wantOK(e.send(r)); got["expires_in"] != "900" {
		t.Errorf("expires_in is %#v", got["expires_in"])
	}
}

func TestRequestsThatGetAToken(t *testing.T) {
	basic := strings.TrimPrefix(fixture.Basic, "Basic ")
	for name, change := range map[string]func(*request){
		"base64 without padding":                   func(r *request) { r.authorization = []string{"Basic " + strings.TrimRight(basic, "=")} },
		"scheme in lower case":                     func(r *request) { r.authorization = []string{"basic " + basic} },
		"scheme in capitals":                       func(r *request) { r.authorization = []string{"BASIC " + basic} },
		"id and secret form-encoded before base64": func(r *request) { r.authorization = []string{fixture.BasicAuthorization("is%5Ftbank01", "%3123")} },
		"media type with a charset":                func(r *request) { r.contentType = "application/x-www-form-urlencoded; charset=UTF-8" },
		"media type in capitals":                   func(r *request) { r.contentType = "Application/X-WWW-Form-Urlencoded" },
		"allowed scope":                            func(r *request) { r.body += "&scope=d1%3Anotify" },
		"unknown form parameters":                  func(r *request) { r.body += "&foo=bar&foo=baz&d1=" },
		"client_id beside Basic":                   func(r *request) { r.body += "&client_id=is_tbank01" },
		"unknown query parameters":                 func(r *request) { r.path += "?x=y" },
		"a query that contradicts the form":        func(r *request) { r.path += "?grant_type=password&scope=admin&client_secret=x" },
		"a correlation id":                         func(r *request) { r.header = map[string]string{"x-correlation-id": "c-1"} },
		"body of exactly 8 KiB": func(r *request) {
			r.body += "&x=" + strings.Repeat("y", token.MaxBodyBytes-len(r.body)-3)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			r := t0()
			change(&r)
			e.wantOK(e.send(r))
		})
	}
}

func TestRequestsThatFailAuthentication(t *testing.T) {
	for name, change := range map[string]func(*request){
		"no Authorization":                  func(r *request) { r.authorization = nil },
		"empty Authorization":               func(r *request) { r.authorization = []string{""} },
		"wrong secret":                      func(r *request) { r.authorization = []string{fixture.BasicAuthorization("is_tbank01", "124")} },
		"empty secret":                      func(r *request) { r.authorization = []string{fixture.BasicAuthorization("is_tbank01", "")} },
		"unknown client":                    func(r *request) { r.authorization = []string{fixture.BasicAuthorization("nobody", "123")} },
		"client id in another letter case":  func(r *request) { r.authorization = []string{fixture.BasicAuthorization("IS_TBANK01", "123")} },
		"undecodable Basic":                 func(r *request) { r.authorization = []string{"Basic %%%"} },
		"Basic without a colon":             func(r *request) { r.authorization = []string{"Basic aXNfdGJhbmswMQ=="} },
		"another scheme":                    func(r *request) { r.authorization = []string{"Bearer x"} },
		"credentials only in the query":     func(r *request) { r.authorization = nil; r.path += "?client_id=is_tbank01&client_secret=123" },
		"credentials only in the form body": func(r *request) { r.authorization = nil; r.body += "&client_id=is_tbank01&client_secret=123" },
		"wrong secret and malformed request together": func(r *request) {
			r.authorization = []string{fixture.BasicAuthorization("is_tbank01", "x")}
			r.body = "%zz"
			r.contentType = "text/plain"
		},
		"wrong secret and body credentials": func(r *request) {
			r.authorization = []string{fixture.BasicAuthorization("is_tbank01", "x")}
			r.body += "&client_secret=123"
		},
		"no Authorization and a body over 8 KiB":       func(r *request) { r.authorization = nil; r.body = strings.Repeat("x", token.MaxBodyBytes+1) },
		"a path where no gateway has a token endpoint": func(r *request) { r.path = "/other/token" },
		"a path with an encoded slash":                 func(r *request) { r.path = "/oauth2%2Ftoken" },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			r := t0()
			change(&r)
			e.wantInvalidClient(e.send(r))
			if len(e.observer.authenticated) > 0 {
				t.Error("a credential was reported as used")
			}
		})
	}
}

func TestRequestsThatAreRefusedAfterAuthentication(t *testing.T) {
	for name, c := range map[string]struct {
		problem string
		change  func(*request)
	}{
		"other grant_type":                      {"unsupported_grant_type", func(r *request) { r.body = "grant_type=password" }},
		"missing grant_type":                    {"invalid_request", func(r *request) { r.body = "scope=d1%3Anotify" }},
		"grant_type only in the query":          {"invalid_request", func(r *request) { r.body = "x=y"; r.path += "?grant_type=client_credentials" }},
		"repeated grant_type":                   {"invalid_request", func(r *request) { r.body += "&" + r.body }},
		"not allowed scope":                     {"invalid_scope", func(r *request) { r.body += "&scope=admin" }},
		"wrong media type":                      {"invalid_request", func(r *request) { r.contentType = "application/json" }},
		"no media type":                         {"invalid_request", func(r *request) { r.contentType = "" }},
		"a content encoding":                    {"invalid_request", func(r *request) { r.header = map[string]string{"Content-Encoding": "gzip"} }},
		"malformed form":                        {"invalid_request", func(r *request) { r.body += "&x=%" }},
		"empty body":                            {"invalid_request", func(r *request) { r.body = "" }},
		"body over 8 KiB":                       {"invalid_request", func(r *request) { r.body += "&x=" + strings.Repeat("y", token.MaxBodyBytes-len(r.body)-2) }},
		"both Basic and body credentials":       {"invalid_request", func(r *request) { r.body += "&client_id=is_tbank01&client_secret=123" }},
		"two Authorization headers":             {"invalid_request", func(r *request) { r.authorization = []string{fixture.Basic, fixture.Basic} }},
		"two Authorization headers, both wrong": {"invalid_request", func(r *request) { r.authorization = []string{"Basic x", "Bearer y"} }},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			r := t0()
			c.change(&r)
			e.wantBadRequest(e.send(r), c.problem)
		})
	}
}

func TestColonAndOtherCharactersInTheSecret(t *testing.T) {
	for name, c := range map[string]struct{ secret, sent string }{
		"a colon":                              {"a:b:c", "a:b:c"},
		"a colon, form-encoded":                {"a:b", "a%3Ab"},
		"a percent escape, sent raw":           {"a%41b", "a%41b"},
		"a percent escape, form-encoded":       {"a%41b", "a%2541b"},
		"a plus, sent raw":                     {"a+b", "a+b"},
		"a plus, form-encoded":                 {"a+b", "a%2Bb"},
		"a space as a plus":                    {"a b", "a+b"},
		"a percent sign that escapes nothing":  {"100%", "100%"},
		"letters beyond ASCII (charset UTF-8)": {"gèheim", "gèheim"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			e.Client.Credentials[0] = fixture.Credential("first", c.secret, fixture.Now())
			e.Publish()
			for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
				r := t0()
				r.authorization = []string{"Basic " + encoding.EncodeToString([]byte("is_tbank01:"+c.sent))}
				e.wantOK(e.send(r))
			}
		})
	}
}

func TestScopeStandsInTheAnswerOnlyWhenItDiffersFromWhatWasAsked(t *testing.T) {
	e := newEndpoint(t)
	e.Client.Scopes = []string{"d1:notify", "d1:read"}
	e.Publish()
	for name, c := range map[string]struct {
		asked string
		want  any
	}{
		"no scope: all scopes of the client, named": {"", "d1:notify d1:read"},
		"one scope":                    {"&scope=d1%3Aread", nil},
		"both scopes in another order": {"&scope=d1%3Aread+d1%3Anotify", nil},
		"an empty scope is none":       {"&scope=", "d1:notify d1:read"},
		"a repeated one":               {"&scope=d1%3Aread+d1%3Aread", "d1:read"},
	} {
		t.Run(name, func(t *testing.T) {
			r := t0()
			r.body += c.asked
			if got := e.wantOK(e.send(r)); got["scope"] != c.want {
				t.Errorf("scope is %v, want %v", got["scope"], c.want)
			}
		})
	}
}

func TestOtherMethodsAreAnswered405(t *testing.T) {
	e := newEndpoint(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post"} {
		r := t0()
		r.method, r.body = method, ""
		got := e.send(r)
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "POST" || got.body != "" {
			t.Errorf("%s is answered %d %v", method, got.status, got.header)
		}
		e.wantUncached(got)
	}
}

func TestSecretRotated(t *testing.T) {
	e := newEndpoint(t)
	old := e.Client.Credentials[0]
	old.ExpiresAt = fixture.Now().Add(time.Hour)
	e.Client.Credentials = append([]api.Credential{fixture.Credential("second", "new", fixture.Now())}, old)
	e.Publish()
	with := func(secret string) answer {
		r := t0()
		r.authorization = []string{fixture.BasicAuthorization("is_tbank01", secret)}
		return e.send(r)
	}
	e.wantOK(with("new"))
	e.wantOK(with("123"))
	if !slices.Equal(e.observer.authenticated, []string{"second", "first"}) {
		t.Errorf("credentials used: %v", e.observer.authenticated)
	}
	e.now = old.ExpiresAt.Add(-time.Second)
	e.wantOK(with("123"))
	e.now = old.ExpiresAt
	e.wantInvalidClient(with("123"))
	e.wantOK(with("new"))
}

func TestClientSuspendedOrDeleted(t *testing.T) {
	e := newEndpoint(t)
	e.Client.Suspended = true
	e.Publish()
	e.wantInvalidClient(e.send(t0()))
	e.Client.Suspended = false
	e.Publish()
	e.wantOK(e.send(t0()))
	e.Delete(e.Client)
	e.wantInvalidClient(e.send(t0()))
}

func TestAnotherHostsClientIsUnknown(t *testing.T) {
	e := newEndpoint(t)
	e.Gateway.Hostnames = []string{"d1.acme.example"}
	e.Publish()
	e.wantInvalidClient(e.send(t0()))
}

func TestKeysNotLoaded(t *testing.T) {
	for name, change := range map[string]func(*token.Options){
		"nothing has been read": func(o *token.Options) {
			s := new(serving.Snapshot)
			o.Snapshot = func() *serving.Snapshot { return s }
			o.Ready = func() bool { return false }
		},
		"it is still being read": func(o *token.Options) { o.Ready = func() bool { return false } },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, change)
			e.wantUnavailable(e.send(t0()))
		})
	}
}

func TestAPanicIsAnswered503(t *testing.T) {
	e := newEndpoint(t, func(o *token.Options) { o.Snapshot = func() *serving.Snapshot { panic("a secret value") } })
	e.wantUnavailable(e.send(t0()))
	if !strings.Contains(e.log.String(), `"level":"ERROR"`) || strings.Contains(e.log.String(), "a secret value") {
		t.Errorf("logged %s", e.log)
	}
}

func TestABodyThatDoesNotArriveIsAnswered503(t *testing.T) {
	e := newEndpoint(t, func(o *token.Options) { o.BodyTimeout = time.Millisecond })
	got := e.wire("POST /oauth2/token HTTP/1.1\r\nHost: h\r\nAuthorization: " + fixture.Basic + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\ngrant_type=")
	if !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Retry-After: 2\r\n") {
		t.Errorf("answered %s", got)
	}
}

func TestOnTheWire(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded\r\n"
	for name, c := range map[string]struct{ headers, body, status string }{
		"chunked":                   {"Authorization: " + fixture.Basic + "\r\n" + form + "Transfer-Encoding: chunked\r\n", "1d\r\ngrant_type=client_credentials\r\n0\r\n\r\n", "200"},
		"two Authorization headers": {"Authorization: " + fixture.Basic + "\r\nauthorization: " + fixture.Basic + "\r\n" + form + "Content-Length: 29\r\n", "grant_type=client_credentials", "400"},
		"a bad chunk":               {"Authorization: " + fixture.Basic + "\r\n" + form + "Transfer-Encoding: chunked\r\n", "zz\r\n", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			got := e.wire("POST /oauth2/token HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + c.headers + "\r\n" + c.body)
			if !strings.HasPrefix(got, "HTTP/1.1 "+c.status+" ") || strings.Contains(got, "\r\nServer:") {
				t.Errorf("answered %s", got)
			}
		})
	}
}

func TestNoSecretIsLoggedOrAnswered(t *testing.T) {
	const secret = "planted-s3cret-4111111111111111"
	e := newEndpoint(t)
	e.Client.Credentials[0] = fixture.Credential("first", secret, fixture.Now())
	e.Publish()
	var answers strings.Builder
	record := func(a answer) {
		answers.WriteString(a.body)
		_ = a.header.Write(&answers)
	}
	for _, authorization := range []string{
		fixture.BasicAuthorization("is_tbank01", secret), fixture.BasicAuthorization("is_tbank01", secret+"x"),
		fixture.BasicAuthorization(secret, "x"), "Basic " + secret, "Bearer " + secret, secret,
	} {
		for _, body := range []string{"grant_type=client_credentials", "grant_type=" + secret, "grant_type=client_credentials&scope=" + secret, "client_secret=" + secret, secret + "%"} {
			r := t0()
			r.authorization, r.body = []string{authorization}, body
			record(e.send(r))
		}
	}
	issued := func() string {
		r := t0()
		r.authorization = []string{fixture.BasicAuthorization("is_tbank01", secret)}
		return e.wantOK(e.send(r))["access_token"].(string)
	}()
	logged := e.log.String()
	if !strings.Contains(logged, "client authentication failed") {
		t.Fatalf("failures are not logged: %s", logged)
	}
	for what, unwanted := range map[string]string{
		"the secret": "planted-s3cret", "a card number": "4111111111111111", "the Authorization value": strings.TrimPrefix(fixture.BasicAuthorization("is_tbank01", secret), "Basic ")[:30],
		"the access token": issued,
	} {
		if strings.Contains(logged, unwanted) {
			t.Errorf("%s is logged", what)
		}
		if strings.Contains(answers.String(), unwanted) {
			t.Errorf("%s is answered", what)
		}
	}
}

package token_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
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
			r.body += "&x=" + strings.Repeat("y", clientauth.MaxBodyBytes-len(r.body)-3)
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
		"no Authorization and a body over 8 KiB":       func(r *request) { r.authorization = nil; r.body = strings.Repeat("x", clientauth.MaxBodyBytes+1) },
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
		"body over 8 KiB":                       {"invalid_request", func(r *request) { r.body += "&x=" + strings.Repeat("y", clientauth.MaxBodyBytes-len(r.body)-2) }},
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

package contract_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func TestAnyOtherPath(t *testing.T) {
	t.Parallel()
	n := fixture.NotifyPath
	paths := []string{
		"/", "//", "/x", "/index.html", "/robots.txt", "/favicon.ico", "/.git/config", "/.env", "/metrics", "/healthz", "/readyz", "/debug/pprof/", "/v1/notifications", "/admin",
		"//oauth2/token", "/oauth2//token", "/oauth2/token/", "/oauth2/token//", "/./oauth2/token", "/oauth2/./token", "/x/../oauth2/token", "/oauth2/token/.", "/oauth2/token/..",
		"/oauth2/x/%2e%2e/token", "/oauth2%2Ftoken", "/oauth2%2ftoken", "/%2Foauth2/token", "/oauth2/token%2F", "/oauth2/token%00", "/oauth2/token%20", "/oauth2/token;x=1", "/oauth2/token.json",
		"/oauth2/token%3Fx", "/oauth2/token%23", "/OAUTH2/TOKEN", "/oauth2/Token", "/oauth2", "/oauth2/", "/oauth2/tokens", "/oauth2/toke", "/oauth2/token/x", "/oauth/token", "/token", "/x/oauth2/token", "/oauth2\\token",
		"/authz/d1/v1/oauth2/token/", "/authz/d1/v1/oauth2", "/authz/d1/v2/oauth2/token", "/authz/d1/v1//oauth2/token", "/authz%2Fd1/v1/oauth2/token",
		n + "/", n + "//", n + "/x", n + "/.", n + "%2F", n + "%20", n + ";x", "/" + n, "/x" + n, "/." + n, "/x/.." + n, strings.ToUpper(n), strings.Replace(n, "notify-update", "Notify-Update", 1),
		strings.TrimSuffix(n, "/notify-update"), strings.TrimSuffix(n, "notify-update"), strings.Replace(n, "notify-update", "notify-updates", 1), strings.Replace(n, "notify-update", "", 1) + "/notify-update",
		strings.Replace(n, "/merchants/", "/merchant/", 1), strings.Replace(n, "/merchants/", "//", 1), strings.Replace(n, "/merchants/", "/MERCHANTS/", 1), strings.Replace(n, "/tokens/", "/tokens//", 1),
		strings.Replace(n, "/tokens/", "/tokens/a/", 1), strings.Replace(n, "/tokens/", "%2Ftokens/", 1), strings.Replace(n, "/merchant-gateways/", "/merchant-gateways%2F", 1), "/merchant-gateways", "/merchant-gateways/",
		strings.Replace(n, "/merchant-gateways/", "/x/../merchant-gateways/", 1), "/merchant-gateways/MGW_000001", "/merchant-gateways/MGW_000001/merchants/40010000001/tokens", "/" + url.PathEscape(n), "/" + strings.Repeat("a/", 2000), "/" + strings.Repeat("x", 8000),
	}
	s := newSite(t, nil)
	s.inBothVersions(t, func(v *visit) {
		for _, p := range paths {
			for name, r := range map[string]running.Request{
				"POST": running.T0().WithPath(p), "GET": {Method: http.MethodGet, Path: p}, "POST with a token": v.n0().WithPath(p), "OPTIONS": {Method: http.MethodOptions, Path: p},
				"POST with a query": running.T0().WithPath(p + "?x=/oauth2/token"), "HEAD": {Method: http.MethodHead, Path: p}, "TRACE": {Method: http.MethodTrace, Path: p},
			} {
				v.Run(name+" "+strings.ReplaceAll(p[:min(len(p), 80)], "/", "|"), func(t *testing.T) {
					checkNotFound(t, v.c.For(t).Do(r))
				})
			}
		}
	})
	s.overHTTP1(t, func(v *visit) {
		checkNotFound(v.T, v.c.Raw(http.MethodOptions, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
		checkNotFound(v.T, v.c.Raw(http.MethodPost, "POST * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
		checkNotFound(v.T, v.c.Raw(http.MethodGet, "GET http://localhost HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
		checkNotFound(v.T, v.c.Raw(http.MethodConnect, "CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\nConnection: close\r\n\r\n"))
		checkNotFound(v.T, v.c.Raw(http.MethodGet, "GET http://elsewhere.example/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
	})
}

func checkNotFound(t *testing.T, a running.Answer) {
	t.Helper()
	wantNotFound.check(t, a)
	if a.Header.Get("Content-Type") != "" || a.Header.Get("Allow") != "" {
		t.Errorf("answer %s", a)
	}
}

package httpx_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

func TestHosts(t *testing.T) {
	for host, want := range map[string]bool{
		"": true, "d1.acme.example": true, "D1.acme.example.": true, "localhost:8443": true, "localhost:": true, "192.0.2.1:80": true,
		"[::1]": true, "[::1]:8443": true, "[2001:db8::1]:": true, "a%20b": true, "under_score": true, "a!b": true,
		"a%zz": false, "a%2": false, "::1": false, "[::1": false, "[::1]x": false, "[zz]": false, "[127.0.0.1]": false, "[fe80::1%25eth0]": false,
		"localhost:abc": false, "localhost:80:80": false, "a b": false, "a/b": false, "user@host": false, "a\\b": false, "a\"b": false, "ü": false, "a#b": false, "a?b": false,
	} {
		if got := httpx.IsHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestAbsoluteTargets(t *testing.T) {
	for target, want := range map[string]bool{
		"/oauth2/token": true, "http://h/oauth2/token": true, "https://h:1/": true, "HTTP://h/": true,
		"http:///oauth2/token": false, "https:/oauth2/token": false, "ftp://h/oauth2/token": false,
	} {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{URL: u, Host: u.Host}
		if got := httpx.HasHost(r); got != want {
			t.Errorf("%q: %v", target, got)
		}
	}
}

func FuzzIsHost(f *testing.F) {
	for _, s := range []string{"", "h", "h:1", "[::1]:1", "a%20", "%", "[", "]:", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !httpx.IsHost(s) {
			return
		}
		// What passes stands in a URL as it is.
		u, err := url.Parse("http://" + s + "/")
		if err == nil && (u.User != nil || u.Path != "/" || u.RawQuery != "" || u.Fragment != "") {
			t.Errorf("%q is more than a host", s)
		}
	})
}

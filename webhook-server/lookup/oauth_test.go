package lookup

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
)

// TestALookupCarriesAnAccessTokenThroughTheProxy runs a platform that wants a token and a proxy before both servers.
func TestALookupCarriesAnAccessTokenThroughTheProxy(t *testing.T) {
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != "planted-secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"planted-token"}`)
	}))
	defer issuer.Close()
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer planted-token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer platform.Close()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer refuses.Close()
	tokens := func(secret string) *api.TokenLookup {
		return &api.TokenLookup{URL: platform.URL + "/{tokenId}", TimeoutSeconds: 5, OAuth: &api.OAuth{TokenURL: issuer.URL, Credentials: secret}}
	}
	var log bytes.Buffer
	l, _ := newLookup(t, &log)
	want(t, l, gateway(t, tokens("right")), "t", Known)
	faults := map[string]outbound.Fault{}
	ask := func(name string, l *Lookup, doc *api.TokenLookup) {
		_, err := l.Token(t.Context(), gateway(t, doc), "m", "t2")
		var fault *Fault
		if !errors.As(err, &fault) {
			t.Fatalf("%s: %v", name, err)
		}
		faults[name] = outbound.Fault(fault.Result)
	}
	ask("wrong secret", l, tokens("wrong"))
	proxyURL, err := url.Parse(refuses.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := outbound.NewProxy(outbound.ProxyOptions{URL: proxyURL})
	if err != nil {
		t.Fatal(err)
	}
	transports := outbound.NewTransports(outbound.Options{Guard: outbound.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Proxy: proxy})
	defer transports.Close()
	behind := New(Options{Transports: transports, Logger: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now})
	ask("proxy", behind, tokens("right"))
	if faults["wrong secret"] != outbound.FaultTokenUnavailable || faults["proxy"] != outbound.FaultProxy {
		t.Errorf("%v", faults)
	}
	if strings.Contains(log.String(), "planted") || !strings.Contains(log.String(), "answered 401") {
		t.Errorf("log %s", &log)
	}
}

func TestEveryFaultIsAResult(t *testing.T) {
	seen := map[Result]bool{}
	for _, r := range Results() {
		if seen[r] {
			t.Errorf("%s stands twice", r)
		}
		seen[r] = true
	}
	for _, f := range outbound.Faults() {
		if !seen[Result(f)] {
			t.Errorf("%s is missing", f)
		}
	}
}

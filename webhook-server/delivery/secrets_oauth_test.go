package delivery_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// tunnels is a proxy that opens a tunnel to whoever has its credentials, and repeats those of anybody else.
func tunnels(credentials string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("Proxy-Authorization")
		if given != credentials {
			w.Header().Set("Proxy-Status", "planted-proxy-status; error="+strings.ReplaceAll(given, " ", "-"))
			w.Header().Set("Proxy-Authenticate", given)
			w.WriteHeader(http.StatusProxyAuthRequired)
			_, _ = io.WriteString(w, given)
			return
		}
		up, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = up.Close() }()
		down, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = down.Close() }()
		_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(up, down)
			_ = up.Close()
		}()
		_, _ = io.Copy(down, up)
	}
}

// proxied sends through the proxy with the credentials.
func proxied(t *testing.T, proxyURL, credentials string) *delivery.Sender {
	t.Helper()
	file := filepath.Join(t.TempDir(), "proxy-authorization")
	if err := os.WriteFile(file, []byte(credentials+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(proxyURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := outbound.NewProxy(outbound.ProxyOptions{URL: u, AuthorizationFile: file})
	if err != nil {
		t.Fatal(err)
	}
	transports := outbound.NewTransports(outbound.Options{Guard: outbound.NewGuard(loopback), Proxy: proxy})
	t.Cleanup(transports.Close)
	return delivery.NewSender(transports, nil)
}

// TestNoSecretOfOAuthSigningOrProxyIsLoggedOrKept plants secrets in everything that a delivery authenticates itself with, has every server
// repeat what it was given, and looks for them in the logs, the reports and the store.
func TestNoSecretOfOAuthSigningOrProxyIsLoggedOrKept(t *testing.T) {
	const seed = "planted-ed25519-seed-of-32-bytes"
	planted := []string{
		"planted", base64.StdEncoding.EncodeToString([]byte(seed))[:40], base64.StdEncoding.EncodeToString([]byte("d1gateway:planted-client-secret")),
	}
	repeat := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			given := r.Header.Get("Authorization") + r.Header.Get("Webhook-Signature")
			w.Header().Set("Location", "/"+strings.ReplaceAll(given, " ", "-"))
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"error":"`+given+`","error_description":"planted-description","access_token":"planted token\n"}`)
		}
	}
	token := authorizationServer(t, issue(`{"access_token":"planted-access-token"}`))
	url, _ := backend(t, repeat(http.StatusInternalServerError))
	refuses, _ := backend(t, repeat(http.StatusUnauthorized))
	proxy := httptest.NewServer(tunnels("Basic planted-proxy-password"))
	defer proxy.Close()
	w := newWorld(t)
	w.ed25519Secret("sx", seed)
	targets := []struct{ url, tokenURL string }{
		{url, token}, {refuses, token}, {url, authorizationServer(t, repeat(http.StatusBadRequest))}, {url, authorizationServer(t, repeat(http.StatusOK))},
		{url, "http://127.0.0.1:1/planted-path"}, {"http://127.0.0.1:1/planted-path", token},
		{rawServer(t, "HTTP/1.1 planted-status\r\nX: planted\r\n\r\n"), token},
	}
	for i, target := range targets {
		d := w.authorized(target.url, target.tokenURL)
		d.SigningSecrets = []string{"sx", "s1"}
		w.merchant(merchantID(i), d)
	}
	w.apply()

	var logged lockedBuffer
	logger := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, credentials := range []string{"Basic planted-proxy-password", "Basic planted-wrong-password"} {
		s := openStore(t)
		for i := range targets {
			appendAll(t, s, notification(merchantID(i), merchantID(i)))
		}
		seen := &signalling{observer: &observer{}, ended: make(chan delivery.AttemptReport, 100)}
		d := delivery.New(delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: proxied(t, proxy.URL, credentials), Logger: logger, Observer: seen})
		d.Start()
		for merchants := map[string]bool{}; len(merchants) < len(targets); {
			r := <-seen.ended
			merchants[r.MerchantID] = true
			_, _ = fmt.Fprintf(&logged, "%+v %#v\n", r, r)
			if r.State == store.Delivered {
				t.Errorf("%+v", r)
			}
		}
		if err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		for i := range targets {
			_, _ = fmt.Fprintf(&logged, "%+v\n", record(t, s, merchantID(i)))
		}
	}
	_, _ = fmt.Fprintf(&logged, "%+v %#v\n", w.served(merchantID(0)), w.served(merchantID(0)).SigningKeys)
	text := logged.String()
	for _, reason := range []delivery.Reason{delivery.Proxy, delivery.TokenUnavailable, delivery.TokenRefused, delivery.ServerError} {
		if !strings.Contains(text, `"`+string(reason)+`"`) {
			t.Errorf("nothing is logged with reason %s, so that this test would find nothing", reason)
		}
	}
	for _, secret := range planted {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s stands in the log:\n%s", secret, text[max(0, i-300):min(len(text), i+100)])
		}
	}
}

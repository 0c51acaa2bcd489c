package outbound

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestTheProxysAuthorizationIsReadForEachTunnelAndSentToNobodyElse(t *testing.T) {
	seen := make(chan http.Header, 10)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		w.Header().Set("Connection", "close")
	}))
	defer plain.Close()
	p := newTestProxy(t, nil)
	file := filepath.Join(t.TempDir(), "authorization")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Basic planted-one\n")
	transports := through(t, p.URL, Options{Guard: NewGuard(loopback)}, func(o *ProxyOptions) { o.AuthorizationFile = file })
	for _, want := range []string{"Basic planted-one", "Basic planted-two"} {
		if _, err := do(t, transports, "o", plain.URL, &serving.Endpoint{}, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		_, headers := p.asked()
		if got := headers[len(headers)-1].Get("Proxy-Authorization"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if h := <-seen; h.Get("Proxy-Authorization") != "" {
			t.Error("the destination has seen the proxy's authorization")
		}
		write("Basic planted-two")
	}
	for _, bad := range []string{"", "Basic planted\r\nX: y", "\x00", strings.Repeat("planted", 2000)} {
		write(bad)
		_, err := do(t, transports, "o", plain.URL, &serving.Endpoint{}, 10*time.Second)
		if FaultOf(err) != FaultProxy || strings.Contains(err.Error(), "planted") {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := do(t, transports, "o", plain.URL, &serving.Endpoint{}, 10*time.Second); FaultOf(err) != FaultProxy {
		t.Errorf("no file: %v", err)
	}
}

func TestAProxyThatCannotBeUsedIsRefusedAtOnce(t *testing.T) {
	for _, text := range []string{"", "socks5://127.0.0.1:1", "http://", "http://planted:secret@127.0.0.1:1", "http://127.0.0.1:1/planted", "http://127.0.0.1:1?planted"} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = NewProxy(ProxyOptions{URL: u}); err == nil || strings.Contains(err.Error(), "planted") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := NewProxy(ProxyOptions{}); err == nil {
		t.Error("no URL at all is taken")
	}
	u := &url.URL{Scheme: "http", Host: "127.0.0.1:3128"}
	if _, err := NewProxy(ProxyOptions{URL: u, AuthorizationFile: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a file that is not there is taken")
	}
}

func TestTheTunnelsOfOwnersAreTheirOwn(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plain.Close()
	p := newTestProxy(t, nil)
	transports := through(t, p.URL, Options{Guard: NewGuard(loopback)})
	for _, owner := range []string{"payments/acme", "payments/other", "payments/acme"} {
		if _, err := do(t, transports, owner, plain.URL, &serving.Endpoint{}, 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if targets, _ := p.asked(); len(targets) != 2 {
		t.Errorf("%d tunnels for two owners", len(targets))
	}
}

func TestARequestThatIsCancelledAtTheProxyIsNobodysFault(t *testing.T) {
	entered := make(chan struct{})
	p := newTestProxy(t, nil)
	p.answers(func(_ http.ResponseWriter, r *http.Request) bool { close(entered); <-r.Context().Done(); return true })
	transports := through(t, p.URL, Options{Guard: NewGuard(loopback)})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://127.0.0.1:1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = transports.Do(req, "o", &serving.Endpoint{}); err == nil || FaultOf(err) == FaultProxy {
		t.Errorf("%v", err)
	}
}

package outbound

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// secureBackend is a destination by https with a CA of its own.
func secureBackend(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *serving.Endpoint) {
	t.Helper()
	config, pool := certified(t, "merchant.example")
	s := httptest.NewUnstartedServer(handler)
	s.TLS = config
	s.EnableHTTP2 = true
	s.Config.ErrorLog = discardLog()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, &serving.Endpoint{RootCAs: pool}
}

func TestEveryRequestGoesThroughTheProxyByConnect(t *testing.T) {
	bodies := make(chan string, 10)
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- string(body) + " " + r.Proto
		w.WriteHeader(http.StatusNoContent)
	}
	secure, endpoint := secureBackend(t, handler)
	plain := httptest.NewServer(http.HandlerFunc(handler))
	defer plain.Close()
	proxyTLS, proxyCA := certified(t)
	for _, c := range []struct {
		name   string
		proxy  *testProxy
		trusts func(*ProxyOptions)
	}{
		{"an http proxy", newTestProxy(t, nil), func(*ProxyOptions) {}},
		{"an https proxy", newTestProxy(t, proxyTLS), func(o *ProxyOptions) { o.RootCAs = proxyCA }},
	} {
		t.Run(c.name, func(t *testing.T) {
			transports := through(t, c.proxy.URL, Options{Guard: NewGuard(loopback)}, c.trusts)
			for _, u := range []string{secure.URL, plain.URL, secure.URL, plain.URL} {
				a, err := do(t, transports, "o", u, endpoint, 10*time.Second)
				if err != nil || a.Status != http.StatusNoContent {
					t.Fatalf("%s: %d, %v", u, a.Status, err)
				}
				want := "{} HTTP/1.1"
				if u == secure.URL {
					want = "{} HTTP/2.0"
				}
				if got := <-bodies; got != want {
					t.Errorf("%s: got %q, want %q", u, got, want)
				}
			}
			targets, _ := c.proxy.asked()
			want := []string{"CONNECT " + strings.TrimPrefix(secure.URL, "https://"), "CONNECT " + strings.TrimPrefix(plain.URL, "http://")}
			if !slices.Equal(targets, want) { // two requests share a tunnel
				t.Errorf("the proxy was asked for %v, want %v", targets, want)
			}
		})
	}
}

func TestTheProxysFaultsAreItsOwn(t *testing.T) {
	secure, endpoint := secureBackend(t, func(http.ResponseWriter, *http.Request) {})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	_ = closed.Close()
	untrusted, _ := certified(t)
	answering := func(status int, header ...string) func(*testProxy) {
		return func(p *testProxy) { p.status(status, header...) }
	}
	for _, c := range []struct {
		name   string
		proxy  string // in place of a proxy that works
		secure *tls.Config
		answer func(*testProxy)
		want   Fault
	}{
		{name: "nothing listens", proxy: nobody, want: FaultProxy},
		{name: "no such proxy", proxy: "http://no-such-host.invalid", want: FaultProxy},
		{name: "its certificate is not trusted", secure: untrusted, want: FaultProxy},
		{name: "400", answer: answering(400), want: FaultProxy},
		{name: "403: its policy", answer: answering(403), want: FaultProxyRefused},
		{name: "404", answer: answering(404), want: FaultProxy},
		{name: "407: our credentials", answer: answering(407), want: FaultProxy},
		{name: "500", answer: answering(500), want: FaultProxy},
		{name: "502", answer: answering(502), want: FaultProxy},
		{name: "503", answer: answering(503), want: FaultProxy},
		{name: "504", answer: answering(504), want: FaultProxy},
		{name: "a redirect", answer: answering(302, "Location", "http://127.0.0.1/"), want: FaultProxy},
		{name: "it says that the destination refused", answer: answering(502, "Proxy-Status", "cdn, squid;error=connection_refused"), want: FaultConnectionRefused},
		{name: "it says that the destination is not to be found", answer: answering(502, "Proxy-Status", "squid; error=dns_error; rcode=NXDOMAIN"), want: FaultDNS},
		{name: "it says that the destination hangs", answer: answering(504, "Proxy-Status", "squid;error=connection_timeout"), want: FaultTimeout},
		{name: "it says that the destination is forbidden", answer: answering(502, "Proxy-Status", "squid;error=destination_ip_prohibited"), want: FaultProxyRefused},
		{name: "it says that it is itself", answer: answering(403, "Proxy-Status", "squid;error=proxy_configuration_error"), want: FaultProxy},
		{name: "it says something of its own", answer: answering(502, "Proxy-Status", "squid;error=planted"), want: FaultProxy},
		{name: "it hangs", answer: func(p *testProxy) {
			p.answers(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		}, want: FaultProxy},
		{name: "it hangs up", answer: func(p *testProxy) {
			p.answers(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
		}, want: FaultProxy},
		{name: "it does not speak HTTP", proxy: "raw:planted-greeting\r\n\r\n", want: FaultProxy},
		{name: "its answer has no end", proxy: "raw:HTTP/1.1 200 OK\r\nX: " + strings.Repeat("planted", 20000), want: FaultProxy},
		{name: "an informational answer", proxy: "raw:HTTP/1.1 100 Continue\r\n\r\n", want: FaultProxy},
		// Past the proxy it is the destination's again.
		{name: "the destination does not speak TLS", proxy: "raw:HTTP/1.1 200 OK\r\n\r\nplanted, and no TLS", want: FaultTLS},
		{name: "the destination hangs up", proxy: "raw:HTTP/1.1 200 OK\r\n\r\n", want: FaultConnectionLost},
	} {
		t.Run(c.name, func(t *testing.T) {
			where := c.proxy
			if text, raw := strings.CutPrefix(where, "raw:"); raw {
				where = rawProxy(t, text)
			} else if where == "" {
				p := newTestProxy(t, c.secure)
				if c.answer != nil {
					c.answer(p)
				}
				where = p.URL
			}
			transports := through(t, where, Options{Guard: NewGuard(loopback)})
			timeout := 10 * time.Second
			if c.name == "it hangs" {
				timeout = 200 * time.Millisecond
			}
			_, err := do(t, transports, "o", secure.URL, endpoint, timeout)
			if err == nil {
				t.Fatal("no error")
			}
			if got := FaultOf(err); got != c.want {
				t.Errorf("got %s, want %s: %v", got, c.want, err)
			}
			if detail := Detail(err); strings.Contains(detail, "planted") || len(detail) > 200 {
				t.Errorf("detail %q", detail)
			}
		})
	}
}

// rawProxy reads a request on each connection, answers with the text and hangs up.
func rawProxy(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, text)
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c) // so that what was written is not lost to a reset
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestADestinationThatHangsBehindTheProxyIsNotTheProxysFault(t *testing.T) {
	secure, endpoint := secureBackend(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p := newTestProxy(t, nil)
	transports := through(t, p.URL, Options{Guard: NewGuard(loopback)})
	_, err := do(t, transports, "o", secure.URL, endpoint, 300*time.Millisecond)
	if FaultOf(err) != FaultTimeout {
		t.Errorf("%s: %v", FaultOf(err), err)
	}
}

func TestWhatADestinationSaysFirstIsNotLost(t *testing.T) {
	transports := through(t, rawProxy(t, "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 418 Planted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), Options{Guard: NewGuard(loopback)})
	a, err := do(t, transports, "o", "http://127.0.0.1:1/", &serving.Endpoint{}, 10*time.Second)
	// net/http may take an answer that comes before the request for one that nobody asked for; it must not hang, and not be the proxy's fault.
	if err == nil && a.Status != http.StatusTeapot {
		t.Errorf("%d", a.Status)
	}
	if err != nil && FaultOf(err) == FaultProxy {
		t.Errorf("%v", err)
	}
}

func TestADestinationThatHangsInItsHandshakeIsNotTheProxysFault(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes the connection, and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	transports := through(t, newTestProxy(t, nil).URL, Options{Guard: NewGuard(loopback)})
	_, err = do(t, transports, "o", "https://"+silent.Addr().String(), &serving.Endpoint{}, 300*time.Millisecond)
	if FaultOf(err) != FaultTimeout {
		t.Errorf("%s: %v", FaultOf(err), err)
	}
}

func TestATunnelThatDoesNotOpenIsGivenUpWithTheRequest(t *testing.T) {
	left := make(chan struct{})
	p := newTestProxy(t, nil)
	p.answers(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); close(left); return true })
	transports := through(t, p.URL, Options{Guard: NewGuard(loopback)})
	_, err := do(t, transports, "o", "https://127.0.0.1:1/", &serving.Endpoint{}, 200*time.Millisecond)
	if FaultOf(err) != FaultProxy {
		t.Errorf("%v", err)
	}
	select {
	case <-left:
	case <-time.After(20 * time.Second):
		t.Error("the connection to the proxy is still open")
	}
}

func TestCloseEndsWhatIsAskedOfTheProxyForAToken(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	p := newTestProxy(t, nil)
	p.answers(func(_ http.ResponseWriter, r *http.Request) bool {
		close(entered)
		<-r.Context().Done()
		close(left)
		return true
	})
	a, d := newAuthorizationServer(t), newResource(t)
	transports := through(t, p.URL, Options{Guard: NewGuard(loopback)})
	ended := make(chan error)
	go func() {
		_, err := do(t, transports, "o", d.URL, a.endpoint(), time.Minute)
		ended <- err
	}()
	<-entered
	transports.Close()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	select {
	case <-left:
	case <-time.After(fetchTime / 2):
		t.Error("the connection to the proxy is still open")
	}
}

package outbound

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func do(t *testing.T, transports *Transports, owner, url string, e *serving.Endpoint, timeout time.Duration) (Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return transports.Do(req, owner, e)
}

// counting is a server that counts connections.
func counting(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(handler)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, &connections
}

func TestConnectionsAreReusedByOneOwnerAndNotByAnother(t *testing.T) {
	s, connections := counting(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "thank you") })
	transports := NewTransports(Options{Guard: NewGuard(loopback)})
	defer transports.Close()
	a, b := &serving.Endpoint{}, &serving.Endpoint{} // of two snapshots
	for _, e := range []*serving.Endpoint{a, b, a, b} {
		if _, err := do(t, transports, "payments/acme", s.URL, e, time.Second*10); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for four requests of one owner", n)
	}
	if _, err := do(t, transports, "payments/other", s.URL, a, time.Second*10); err != nil {
		t.Fatal(err)
	}
	if _, err := do(t, transports, "payments/acme", s.URL, &serving.Endpoint{Identity: api.TLS{CABundle: "ca-1"}}, time.Second*10); err != nil {
		t.Fatal(err)
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections, want one for each owner and TLS identity", n)
	}
}

func TestATransportThatIsNotUsedIsClosed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	transports := NewTransports(Options{Now: func() time.Time { return now }})
	old := transports.transport("payments/old", "https", &serving.Endpoint{})
	for range 10 {
		now = now.Add(time.Minute)
		transports.transport("payments/used", "https", &serving.Endpoint{})
	}
	if n := transports.Len(); n != 1 {
		t.Errorf("%d transports are kept", n)
	}
	if again := transports.transport("payments/old", "https", &serving.Endpoint{}); again == old {
		t.Error("the old transport is still there")
	}
	transports.Close()
	if n := transports.Len(); n != 0 {
		t.Errorf("%d transports after Close", n)
	}
}

func TestALongOrSlowBodyDoesNotHoldUpTheAnswer(t *testing.T) {
	hang := make(chan struct{})
	s, _ := counting(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			_, _ = io.Copy(w, io.LimitReader(zeros{}, 64<<20))
		case "/slow":
			_ = http.NewResponseController(w).Flush()
			<-hang
		}
	})
	defer close(hang)
	transports := NewTransports(Options{Guard: NewGuard(loopback)})
	defer transports.Close()
	for _, path := range []string{"/long", "/slow"} {
		began := time.Now()
		a, err := do(t, transports, "o", s.URL+path, &serving.Endpoint{}, time.Minute)
		if err != nil || a.Status != http.StatusOK {
			t.Errorf("%s: %v, %v", path, a.Status, err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %s", path, took)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFaults(t *testing.T) {
	hang := make(chan struct{})
	plain, _ := counting(t, func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-hang
		case "/drop":
			panic(http.ErrAbortHandler)
		}
	})
	defer close(hang)
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = discardLog()
	untrusted.StartTLS()
	defer untrusted.Close()
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = discardLog()
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	trusted := old.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	_ = closed.Close()
	notHTTP, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = notHTTP.Close() })
	go func() {
		for {
			c, err := notHTTP.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "220 mail.example planted-in-an-answer\r\n")
			_ = c.Close()
		}
	}()

	for _, c := range []struct {
		name, url string
		guard     Guard
		endpoint  *serving.Endpoint
		want      Fault
	}{
		{"no answer in time", plain.URL + "/hang", NewGuard(loopback), nil, FaultTimeout},
		{"connection dropped", plain.URL + "/drop", NewGuard(loopback), nil, FaultConnectionLost},
		{"nothing listens", "http://" + nobody, NewGuard(loopback), nil, FaultConnectionRefused},
		{"no such name", "https://no-such-host.invalid/", NewGuard(loopback), nil, FaultDNS},
		{"certificate not trusted", untrusted.URL, NewGuard(loopback), nil, FaultTLS},
		{"TLS 1.1", old.URL, NewGuard(loopback), &serving.Endpoint{RootCAs: trusted}, FaultTLS},
		{"https to a plain server", strings.Replace(plain.URL, "http:", "https:", 1), NewGuard(loopback), nil, FaultTLS},
		{"loopback is not allowed", untrusted.URL, NewGuard(nil), nil, FaultAddressRefused},
		{"a name that leads to loopback", strings.Replace(untrusted.URL, "127.0.0.1", "localhost", 1), NewGuard(nil), nil, FaultAddressRefused},
		{"plain http outside the allowed ranges", plain.URL, NewGuard(nil), nil, FaultPlainHTTPRefused},
		{"metadata, whatever is allowed", "http://169.254.169.254/latest/meta-data/", NewGuard(prefixes("0.0.0.0/0")), nil, FaultAddressRefused},
		{"another scheme", "ftp://127.0.0.1/", NewGuard(loopback), nil, FaultInvalidURL},
		{"no host", "https:///x", NewGuard(loopback), nil, FaultInvalidURL},
		{"not HTTP", "http://" + notHTTP.Addr().String(), NewGuard(loopback), nil, FaultNetwork},
	} {
		t.Run(c.name, func(t *testing.T) {
			transports := NewTransports(Options{Guard: c.guard})
			defer transports.Close()
			if c.endpoint == nil {
				c.endpoint = &serving.Endpoint{}
			}
			timeout := 10 * time.Second
			if c.want == FaultTimeout {
				timeout = 100 * time.Millisecond
			}
			_, err := do(t, transports, "o", c.url, c.endpoint, timeout)
			if err == nil {
				t.Fatal("no error")
			}
			if got := FaultOf(err); got != c.want {
				t.Errorf("got %s, want %s: %v", got, c.want, err)
			}
			if detail := Detail(err); len(detail) > 200 || strings.Contains(detail, "planted") || strings.Contains(detail, "/latest") {
				t.Errorf("detail %q", detail)
			}
		})
	}
}

// discardLog keeps what a test's server says about handshakes that are meant to fail out of the output.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

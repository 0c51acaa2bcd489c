package listener

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// What the server drains of a body that nobody has read, as webhook-server/app does.
const (
	drainBytes   = 1 << 20
	drainTimeout = time.Second
	bodyTimeout  = 10 * time.Second
)

// transports are the ways that a client speaks to the D1 listener.
type transports struct{ tls, http2 bool }

// bubble is a server with the production limits whose clients are pipes, so that a synctest bubble lets minutes pass at once.
type bubble struct {
	t      *testing.T
	how    transports
	guard  *guard
	under  *dialled
	server *http.Server
	roots  *x509.CertPool
}

func serveInBubble(t *testing.T, how transports, handler http.Handler) *bubble {
	t.Helper()
	return serveGuarded(t, how, Options{MaxConnections: 8}, handler)
}

// serveGuarded bounds the connections otherwise.
func serveGuarded(t *testing.T, how transports, o Options, handler http.Handler) *bubble {
	t.Helper()
	b := &bubble{t: t, how: how, guard: newGuard(o)}
	b.under = &dialled{conns: make(chan net.Conn, 8), closed: make(chan struct{})}
	b.server = productionLimits().server(b.guard.Handler(httpx.Drain(drainBytes, drainTimeout, handler)), slog.New(slog.DiscardHandler))
	b.server.ConnContext = b.guard.ConnContext
	done := make(chan error)
	if how.tls {
		var certificate tls.Certificate
		certificate, b.roots = localhost(t)
		b.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
		go func() { done <- b.server.ServeTLS(b.guard.Listener(b.under), "", "") }()
	} else {
		b.server.Protocols = new(http.Protocols)
		b.server.Protocols.SetHTTP1(true)
		b.server.Protocols.SetUnencryptedHTTP2(true)
		go func() { done <- b.server.Serve(b.guard.Listener(b.under)) }()
	}
	t.Cleanup(func() {
		if err := b.server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		time.Sleep(2 * time.Second) // of the bubble: a client that trickles notices the end
	})
	return b
}

// localhost is a certificate that signs itself.
func localhost(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// connect answers a client's end that has not sent anything.
func (b *bubble) connect() net.Conn {
	b.t.Helper()
	return b.connectFrom(net.IPv4(192, 0, 2, 1))
}

func (b *bubble) connectFrom(address net.IP) net.Conn {
	client := b.knock(address)
	b.t.Cleanup(func() { _ = client.Close() })
	return client
}

// knock answers a connection that the caller closes; it is closed when the server has gone.
func (b *bubble) knock(address net.IP) net.Conn {
	server, client := net.Pipe()
	select {
	case b.under.conns <- &peerConn{server, &net.TCPAddr{IP: address, Port: 4711}}:
	case <-b.under.closed:
		_ = server.Close()
		_ = client.Close()
	}
	return client
}

// dial answers a client's end ready for its first request, after the handshake where there is one.
func (b *bubble) dial() net.Conn {
	b.t.Helper()
	conn := b.connect()
	if !b.how.tls {
		return conn
	}
	protocol := "http/1.1"
	if b.how.http2 {
		protocol = "h2"
	}
	c := tls.Client(conn, &tls.Config{RootCAs: b.roots, ServerName: "localhost", NextProtos: []string{protocol}, MinVersion: tls.VersionTLS12})
	if err := c.HandshakeContext(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// cutOff answers after what time the server has closed every connection.
func (b *bubble) cutOff() time.Duration {
	b.t.Helper()
	synctest.Wait()
	start := time.Now()
	for b.guard.Counts().Open > 0 {
		if time.Since(start) > time.Hour {
			b.t.Fatal("the connection is still open after an hour")
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(start)
}

// wantCutOff is for what is cut off after that time, or up to a second later.
func (b *bubble) wantCutOff(after time.Duration) {
	b.t.Helper()
	if got := b.cutOff(); got < after || got > after+time.Second {
		b.t.Errorf("cut off after %s, want %s", got, after)
	}
}

// send writes while the server reads.
func send(conn net.Conn, text string) {
	go func() { _, _ = io.WriteString(conn, text) }()
}

// trickle sends a text and then one byte of another a second, for ever.
func trickle(conn net.Conn, text, then string) {
	go func() {
		_, err := io.WriteString(conn, text)
		for i := 0; err == nil; i++ {
			time.Sleep(time.Second)
			_, err = io.WriteString(conn, string(then[i%len(then)]))
		}
	}()
}

// statusOf reads the next answer, and then whatever else comes; the status is 0 when none came.
func statusOf(conn net.Conn) <-chan int {
	status := make(chan int, 1)
	go func() {
		defer close(status)
		reader := bufio.NewReader(conn)
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			return
		}
		_ = answer.Body.Close()
		status <- answer.StatusCode
		_, _ = io.Copy(io.Discard, reader)
	}()
	return status
}

// endpoint reads a body as the two endpoints of D1 do, unless the path says otherwise.
func endpoint(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/refused":
		w.WriteHeader(http.StatusUnauthorized)
		return
	case "/large":
		_, _ = w.Write(make([]byte, 1<<20))
		return
	}
	_, err := httpx.ReadBody(w, r, 8<<10, bodyTimeout)
	switch {
	case errors.Is(err, httpx.ErrBodyTimeout):
		httpx.Unavailable(w, time.Second)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	default:
		_, _ = io.WriteString(w, "{}")
	}
}

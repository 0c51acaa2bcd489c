package listener

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// overHTTP1 runs a test in plain http and over TLS, each in a bubble.
func overHTTP1(t *testing.T, test func(t *testing.T, b *bubble)) {
	t.Helper()
	for name, how := range map[string]transports{"HTTP": {}, "TLS": {tls: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, serveInBubble(t, how, http.HandlerFunc(endpoint))) })
		})
	}
}

func TestASlowHandshakeIsCutOff(t *testing.T) {
	hello := clientHello(t)
	for name, start := range map[string]func(conn net.Conn){
		"that sends nothing":        func(net.Conn) {},
		"that stops half-way":       func(conn net.Conn) { send(conn, hello[:len(hello)/2]) },
		"that trickles":             func(conn net.Conn) { trickle(conn, hello[:9], hello[9:]) },
		"that never ends":           func(conn net.Conn) { send(conn, hello) },
		"that never ends and reads": func(conn net.Conn) { send(conn, hello); go func() { _, _ = io.Copy(io.Discard, conn) }() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := serveInBubble(t, transports{tls: true}, http.HandlerFunc(endpoint))
				start(b.connect())
				b.wantCutOff(productionLimits().readHeader)
			})
		})
	}
}

// clientHello is what a TLS client sends first.
func clientHello(t *testing.T) string {
	t.Helper()
	server, client := net.Pipe()
	defer func() { _ = server.Close() }()
	go func() {
		_ = tls.Client(client, &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS12}).HandshakeContext(t.Context())
	}()
	hello := make([]byte, 1<<14)
	n, err := server.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return string(hello[:n])
}

func TestASlowHeaderIsCutOff(t *testing.T) {
	for name, start := range map[string]func(conn net.Conn){
		"that never begins":   func(net.Conn) {},
		"that stops half-way": func(conn net.Conn) { send(conn, "POST /x HTTP/1.1\r\nHost: ") },
		"that trickles":       func(conn net.Conn) { trickle(conn, "POST /x HTTP/1.1\r\nHost: ", "a") },
	} {
		t.Run(name, func(t *testing.T) {
			overHTTP1(t, func(_ *testing.T, b *bubble) {
				conn := b.dial()
				statusOf(conn)
				start(conn)
				b.wantCutOff(productionLimits().readHeader)
			})
		})
	}
}

func TestASlowBodyIsAnsweredAndCutOff(t *testing.T) {
	const sized, chunked = "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{", "POST %s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
	for name, head := range map[string]string{"sized": sized, "chunked": chunked} {
		for path, want := range map[string]struct {
			status int
			after  time.Duration
		}{
			"/read":    {http.StatusServiceUnavailable, bodyTimeout},
			"/refused": {http.StatusUnauthorized, drainTimeout},
		} {
			for how, start := range map[string]func(conn net.Conn){
				"stops":    func(conn net.Conn) { send(conn, fmt.Sprintf(head, path)) },
				"trickles": func(conn net.Conn) { trickle(conn, fmt.Sprintf(head, path), "1\r\n{\r\n") },
			} {
				t.Run(name+" "+path+" "+how, func(t *testing.T) {
					overHTTP1(t, func(t *testing.T, b *bubble) {
						conn := b.dial()
						status := statusOf(conn)
						start(conn)
						if got := b.cutOff(); got < want.after || got > want.after+drainTimeout+time.Second/2 {
							t.Errorf("cut off after %s, want %s", got, want.after)
						}
						if got := <-status; got != want.status {
							t.Errorf("answered %d, want %d", got, want.status)
						}
					})
				})
			}
		}
	}
}

func TestAConnectionWithoutANextRequestIsClosed(t *testing.T) {
	overHTTP1(t, func(t *testing.T, b *bubble) {
		conn := b.dial()
		status := statusOf(conn)
		send(conn, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}")
		if got := <-status; got != http.StatusOK {
			t.Fatalf("answered %d", got)
		}
		b.wantCutOff(productionLimits().idle)
	})
}

func TestAPeerThatDoesNotReadItsAnswerIsCutOff(t *testing.T) {
	overHTTP1(t, func(_ *testing.T, b *bubble) {
		conn := b.dial()
		send(conn, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
		after := productionLimits().write
		if b.how.tls {
			after += 5 * time.Second // crypto/tls tries to say goodbye
		}
		b.wantCutOff(after)
	})
}

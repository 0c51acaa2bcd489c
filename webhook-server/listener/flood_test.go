package listener

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// One source opens connections as fast as it can, sends half a header on each and never leaves by itself.
func TestASourceThatKeepsConnectingStarvesNoOther(t *testing.T) {
	for name, how := range map[string]transports{"HTTP": {}, "TLS": {tls: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := serveGuarded(t, how, Options{MaxConnections: 8, MaxPerSource: 2}, http.HandlerFunc(endpoint))
				kept := b.dial()
				ask(t, kept)
				over := make(chan struct{})
				defer close(over)
				go func() {
					for {
						send(b.connectFrom(net.IPv4(198, 51, 100, 1)), "POST /x HTTP/1.1\r\nHost: ")
						select {
						case <-time.After(10 * time.Millisecond):
						case <-over:
							return
						}
					}
				}()
				for range 50 {
					time.Sleep(100 * time.Millisecond)
					conn := b.dial()
					ask(t, conn)
					_ = conn.Close()
				}
				if got := b.guard.Counts(); got.RefusedSource < 100 || got.RefusedFull+got.ClosedFull != 0 || isClosed(kept) {
					t.Errorf("counts %+v", got)
				}
			})
		})
	}
}

// ask sends a request and reads the head of its answer, which must come at once.
func ask(t *testing.T, conn net.Conn) {
	t.Helper()
	start := time.Now()
	send(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	answer := make([]byte, 4<<10)
	n, err := io.ReadAtLeast(conn, answer, len("HTTP/1.1 200 OK\r\n"))
	if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 200 OK\r\n") {
		t.Fatalf("answered %q, %v", answer[:n], err)
	}
	if took := time.Since(start); took > 0 {
		t.Errorf("answered after %s", took)
	}
}

// Connections that send half a request cost little while they last, and no more than the bound are there.
func TestAFloodOfHalfRequestsIsBoundedInNumberAndMemory(t *testing.T) {
	const most, perConnection = 200, 64 << 10 // both ends of it are in this process
	for name, half := range map[string]string{
		"nothing":       "",
		"half a header": "POST /x HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 1000),
		"HTTP/2":        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x20\x00\x01\x04\x00",
	} {
		t.Run(name, func(t *testing.T) {
			guard := newGuard(Options{MaxConnections: most})
			server := httptest.NewUnstartedServer(nil)
			server.Listener = guard.Listener(server.Listener)
			l := productionLimits()
			l.readHeader, l.read, l.ping = time.Hour, time.Hour, time.Hour // none ends by itself, however slow the machine
			server.Config = l.server(guard.Handler(http.HandlerFunc(endpoint)), slog.New(slog.DiscardHandler))
			server.Config.ConnContext = guard.ConnContext
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetHTTP1(true)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.Start()
			defer server.Close()

			before := memory()
			for range most/2 + 50 {
				conn, err := net.Dial("tcp", server.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				_, _ = io.WriteString(conn, half) // refused ones may be gone already
			}
			deadline, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
			defer tick.Stop()
			for c := guard.Counts(); c.RefusedSource+c.ClosedSource < 50; c = guard.Counts() {
				if c.Open > most {
					t.Fatalf("counts %+v", c)
				}
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatalf("counts %+v", c)
				}
			}
			if got := (memory() - before) / most; got > perConnection {
				t.Errorf("%d bytes for each connection", got)
			}
		})
	}
}

func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

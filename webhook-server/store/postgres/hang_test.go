package postgres

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// proxy forwards connections until it hangs.
type proxy struct {
	net.Listener
	to   string
	mu   sync.Mutex
	hung bool
	all  []net.Conn
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.forward(client)
		}
	}()
	return p
}

func (p *proxy) forward(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.all = append(p.all, client, server)
	p.mu.Unlock()
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			defer func() { _ = way[0].Close() }()
			buffer := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buffer)
				p.mu.Lock()
				hung := p.hung
				p.mu.Unlock()
				if hung {
					_, _ = io.Copy(io.Discard, way[0]) // nothing arrives any more, and nobody is told
					return
				}
				if _, writeErr := way[1].Write(buffer[:n]); err != nil || writeErr != nil {
					_ = way[1].Close()
					return
				}
			}
		}()
	}
}

// hang stops forwarding.
func (p *proxy) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hung = true
}

// heal cuts what hangs and forwards new connections.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hung = false
	for _, c := range p.all {
		_ = c.Close()
	}
	p.all = nil
}

func TestAConnectionThatHangsHoldsNobodyUp(t *testing.T) {
	databaseURL := server.Database(t)
	p := startProxy(t, server.Address())
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.Addr().String()
	s := openImpatient(t, Options{URL: u.String() + "?connect_timeout=1"})
	appendSoon(t, s, storetest.LoadNotification(1))
	p.hang()
	started := time.Now()
	if _, err := s.Append(t.Context(), storetest.LoadNotification(2)); err == nil {
		t.Error("an append was acknowledged by nobody")
	}
	if took := time.Since(started); took > 20*impatient.answer {
		t.Errorf("it took %s", took)
	}
	p.heal()
	appendSoon(t, s, storetest.LoadNotification(3))
}

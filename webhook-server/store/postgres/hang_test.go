package postgres

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// fault is what a proxy keeps from arriving.
type fault int

const (
	none fault = iota
	// deaf: what the server says.
	deaf
	// hung: everything.
	hung
)

// proxy forwards connections while it has no fault.
type proxy struct {
	net.Listener
	to    string
	mu    sync.Mutex
	fault fault
	all   []net.Conn
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
	for i, way := range [][2]net.Conn{{server, client}, {client, server}} {
		go func() {
			defer func() { _ = way[0].Close() }()
			buffer := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buffer)
				p.mu.Lock()
				fault := p.fault
				p.mu.Unlock()
				if int(fault) > i {
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

func (p *proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// heal cuts what hangs and forwards new connections.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = none
	for _, c := range p.all {
		_ = c.Close()
	}
	p.all = nil
}

// openBehindProxy opens an impatient store whose connections pass through the proxy.
func openBehindProxy(t *testing.T) (*Store, *proxy) {
	t.Helper()
	p := startProxy(t, server.Address())
	u, err := url.Parse(server.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.Addr().String()
	return openImpatient(t, Options{URL: u.String() + "?connect_timeout=1"}), p
}

// A machine that vanishes says nothing: neither an answer nor an end of the connection.
func TestAConnectionThatHangsHoldsNobodyUp(t *testing.T) {
	s, p := openBehindProxy(t)
	appendSoon(t, s, storetest.LoadNotification(1))
	claimed := claimSome(t, s)
	ctx, now := t.Context(), time.Now()
	calls := map[string]func() error{
		"Append":           func() error { return second(s.Append(ctx, storetest.LoadNotification(2))) },
		"DueLanes":         func() error { return second(s.DueLanes(ctx, now)) },
		"Claim":            func() error { return second(s.Claim(ctx, "l", now, 1, time.Minute)) },
		"ClaimProbe":       func() error { return second(s.ClaimProbe(ctx, "l", now, time.Minute)) },
		"Record":           func() error { return s.Record(ctx, delivered(claimed, now)) },
		"Lanes":            func() error { return second(s.Lanes(ctx)) },
		"Check":            func() error { return s.Check(ctx) },
		"Get":              func() error { return second(s.Get(ctx, "msg_1")) },
		"List":             func() error { return second(s.List(ctx, store.Filter{})) },
		"Count":            func() error { return second(s.Count(ctx, store.Filter{})) },
		"Replay":           func() error { return second(s.Replay(ctx, store.Filter{}, now, 1)) },
		"Prune":            func() error { return second(s.Prune(ctx, store.Dead, now, 1)) },
		"PruneBeyond":      func() error { return second(s.PruneBeyond(ctx, store.Dead, 1, 1)) },
		"Revoke":           func() error { return s.Revoke(ctx, store.Revocation{GatewayID: "g", JTI: "j", ExpiresAt: now}) },
		"PruneRevocations": func() error { return second(s.PruneRevocations(ctx, now, 1)) },
		"Pause":            func() error { return s.Pause(ctx, store.Pause{Lane: "l", Since: now}) },
		"Resume":           func() error { return s.Resume(ctx, "l", false, now) },
		"Pauses":           func() error { return second(s.Pauses(ctx)) },
		"PrunePauses":      func() error { return s.PrunePauses(ctx, now) },
		"NextDue":          func() error { _, _, err := s.NextDue(ctx, now); return err },
		"Revocations":      func() error { _, _, err := s.Revocations(ctx, 0); return err },
	}
	p.set(hung)
	started := time.Now()
	var all sync.WaitGroup
	for name, call := range calls {
		all.Go(func() {
			if err := call(); err == nil {
				t.Errorf("%s was answered by nobody", name)
			}
			if took := time.Since(started); took > 20*impatient.answer {
				t.Errorf("%s took %s", name, took)
			}
		})
	}
	all.Wait()
	p.heal()
	appendSoon(t, s, storetest.LoadNotification(3))
}

// The others in the test above may break the connections that it would have hung on.
func TestCountingLanesEndsByItselfOnAConnectionThatHangs(t *testing.T) {
	s, p := openBehindProxy(t)
	if _, err := s.Lanes(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.set(hung)
	counted := make(chan error, 1)
	go func() { counted <- second(s.Lanes(t.Context())) }()
	waitFor(t, func() bool { return len(counted) > 0 })
	p.heal()
	if err := <-counted; err == nil {
		t.Error("it was answered by nobody")
	}
}

// claimSome claims whatever is due.
func claimSome(t *testing.T, s *Store) store.Delivery {
	t.Helper()
	now := time.Now()
	lanes, err := s.DueLanes(t.Context(), now)
	if err != nil || len(lanes) != 1 {
		t.Fatal(lanes, err)
	}
	return claimOne(t, s, lanes[0], now)
}

package listener

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// proveFrom makes a source known that has no connection afterwards.
func (d *door) proveFrom(from string) {
	d.t.Helper()
	c := d.must(from).(*guardedConn)
	d.guard.begin(c)
	Authenticated(context.WithValue(d.t.Context(), connectionKey{}, c))
	d.guard.end(c)
	_ = c.Close()
}

func (d *door) isKnown(from string) bool {
	d.guard.mu.Lock()
	defer d.guard.mu.Unlock()
	s := d.guard.sources[netip.MustParseAddr(from)]
	return s != nil && s.standing == known
}

func TestASourceThatHasAuthenticatedIsKnownForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 4}, "10.0.0.0/8")
		d.proveFrom(d1)
		time.Sleep(knownTime - time.Second)
		d.must(attacker(1))
		if !d.isKnown(d1) || d.isKnown(attacker(1)) {
			t.Fatal("the wrong sources are known")
		}
		time.Sleep(time.Second)
		d.must(attacker(2))
		if d.isKnown(d1) || len(d.guard.sources) != 2 {
			t.Error("it is still known a day later")
		}
		d.proveFrom("10.1.1.1")
		if d.guard.known.Len() != 0 {
			t.Error("a proxy is known by one of its clients")
		}
	})
}

func TestOnlySoManySourcesAreRememberedThoseThatAuthenticatedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 4})
		d.proveFrom(d1)
		for i := range 2 * mostKnown {
			d.proveFrom(attacker(i))
			if i%100 == 0 {
				if !d.isKnown(d1) {
					t.Fatalf("forgotten after %d others", i)
				}
				d.proveFrom(d1)
			}
		}
		if !d.isKnown(d1) || d.isKnown(attacker(0)) || !d.isKnown(attacker(2*mostKnown-1)) || d.guard.known.Len() != mostKnown || len(d.guard.sources) != mostKnown {
			t.Errorf("%d are known, of %d", d.guard.known.Len(), len(d.guard.sources))
		}
	})
}

func TestOnAnyTransportARequestMakesItsSourceKnown(t *testing.T) {
	handler := func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/authenticated" {
			Authenticated(r.Context())
		}
	}
	check := func(t *testing.T, b *bubble) {
		s := b.guard.sources[netip.MustParseAddr(d1)]
		if s == nil || s.standing != known || !s.used {
			t.Errorf("the source is %+v", s)
		}
	}
	overHTTP2(t, handler, func(t *testing.T, b *bubble) {
		c := b.dialHTTP2(true)
		time.Sleep(2 * protectedTime)
		if s := b.guard.sources[netip.MustParseAddr(d1)]; s == nil || s.used || b.guard.Counts().Idle != 1 {
			t.Errorf("with no request yet the source is %+v", s)
		}
		c.open(1, "/", true)
		if got := c.status(); got != "200" || b.guard.known.Len() != 0 {
			t.Errorf("answered %s, %d are known", got, b.guard.known.Len())
		}
		c.open(3, "/authenticated", true)
		if got := c.status(); got != "200" {
			t.Errorf("answered %s", got)
		}
		check(t, b)
	})
	for name, how := range map[string]transports{"HTTP/1.1": {}, "HTTP/1.1 over TLS": {tls: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := serveInBubble(t, how, http.HandlerFunc(handler))
				conn := b.dial()
				send(conn, "GET /authenticated HTTP/1.1\r\nHost: h\r\n\r\n")
				if got := <-statusOf(conn); got != http.StatusOK {
					t.Errorf("answered %d", got)
				}
				check(t, b)
			})
		})
	}
}

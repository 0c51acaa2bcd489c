package listener

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever happens in whatever order, the bounds hold, the books are right, and a connection that is busy is never closed.
func TestGuardKeepsItsBooks(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			d := openDoor(t, Options{MaxConnections: 1 + random.IntN(12), MaxPerSource: random.IntN(6)}, "10.0.0.0/8")
			froms := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "10.0.0.1"}
			var conns []*guardedConn
			busy := map[*guardedConn]int{}
			for range 400 {
				switch random.IntN(8) {
				case 0, 1, 2:
					if c := d.dial(froms[random.IntN(len(froms))]); c != nil {
						conns = append(conns, c.(*guardedConn))
					}
				case 3:
					time.Sleep(time.Duration(random.Int64N(int64(2 * protectedTime))))
				default:
					if len(conns) > 0 {
						d.do(random.IntN(5), conns[random.IntN(len(conns))], busy)
					}
				}
				synctest.Wait()
				for len(d.admitted) > 0 {
					conns = append(conns, (<-d.admitted).(*guardedConn))
				}
				checkBooks(t, d.guard, conns, busy)
				conns = slices.DeleteFunc(conns, d.isGone)
			}
			for len(conns) > 0 { // what waits takes their places
				for _, c := range conns {
					_ = c.Close()
				}
				conns = nil
				synctest.Wait()
				for len(d.admitted) > 0 {
					conns = append(conns, (<-d.admitted).(*guardedConn))
				}
			}
			g := d.guard
			if got := g.Counts(); got.Open != 0 || got.Idle != 0 || got.Sources != 0 || len(g.sources) != g.known.Len() || g.proxies.open != 0 {
				t.Fatalf("seed %d: at the end %+v, %d sources of which %d known", seed, got, len(g.sources), g.known.Len())
			}
			if g.protected.first != nil || g.victims.first() != nil {
				t.Fatalf("seed %d: connections are left in the queues", seed)
			}
		})
	}
}

// do makes something happen on a connection.
func (d *door) do(what int, c *guardedConn, busy map[*guardedConn]int) {
	switch what {
	case 0:
		if d.guard.begin(c) {
			busy[c]++
		}
	case 1:
		if busy[c] > 0 {
			busy[c]--
			d.guard.end(c)
		}
	case 2:
		d.guard.received(c)
	case 3:
		d.guard.know(c)
	case 4:
		_ = c.Close()
		delete(busy, c)
	}
}

func checkBooks(t *testing.T, g *guard, conns []*guardedConn, busy map[*guardedConn]int) {
	t.Helper()
	counts := g.Counts()
	g.mu.Lock()
	defer g.mu.Unlock()
	open, idle, sources := 0, 0, map[netip.Addr]int{}
	for _, c := range conns {
		if c.gone {
			if busy[c] > 0 {
				t.Fatal("a busy connection was closed")
			}
			continue
		}
		open++
		if busy[c] == 0 {
			idle++
		}
		if c.source.standing != exempt {
			sources[c.source.address]++
		}
	}
	if counts.Open != open || counts.Idle != idle || counts.Sources != len(sources) || open > g.max {
		t.Fatalf("counts %+v, there are %d open, %d idle, %d sources of at most %d", counts, open, idle, len(sources), g.max)
	}
	for address, n := range sources {
		if s := g.sources[address]; s.open != n || g.perSource > 0 && n > g.perSource {
			t.Fatalf("%s has %d of at most %d, counted as %d", address, n, g.perSource, s.open)
		}
	}
	queued := 0
	for c := g.protected.first; c != nil; c = c.after {
		queued++
	}
	for i, s := range g.victims.heap {
		if s.place != i+1 || i > 0 && s.before(g.victims.heap[(i-1)/2]) {
			t.Fatal("the sources are not in order")
		}
		for _, q := range s.exposed {
			for c := q.first; c != nil; c = c.after {
				queued++
			}
		}
	}
	if queued != idle {
		t.Fatalf("%d connections are in the queues, want the %d idle ones", queued, idle)
	}
}

package listener

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever happens in whatever order, the bounds hold, the books are right, and a connection that is busy is never closed.
func TestConnectionsKeepTheirBooks(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			maximum, perSource := 1+random.IntN(12), 1+random.IntN(6)
			d := openDoor(t, maximum, perSource, "10.0.0.0/8")
			froms := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "10.0.0.1"}
			var conns []*guardedConn
			busy := map[*guardedConn]bool{}
			for range 400 {
				switch random.IntN(8) {
				case 0, 1, 2:
					if c := d.dial(froms[random.IntN(len(froms))]); c != nil {
						conns = append(conns, c.(*guardedConn))
					}
				case 3:
					time.Sleep(time.Duration(random.Int64N(int64(2 * quietTime))))
				default:
					if len(conns) == 0 {
						continue
					}
					c := conns[random.IntN(len(conns))]
					switch random.IntN(4) {
					case 0:
						d.guard.ConnState(c, http.StateActive)
						busy[c] = !d.isGone(c)
					case 1:
						d.guard.ConnState(c, http.StateIdle)
						delete(busy, c)
					case 2:
						d.guard.received(c)
					case 3:
						_ = c.Close()
						delete(busy, c)
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
			if got := d.guard.Counts(); got.Open != 0 || got.Idle != 0 || got.Sources != 0 {
				t.Fatalf("seed %d: at the end %+v", seed, got)
			}
		})
	}
}

func checkBooks(t *testing.T, g *connections, conns []*guardedConn, busy map[*guardedConn]bool) {
	t.Helper()
	counts := g.Counts()
	g.mu.Lock()
	defer g.mu.Unlock()
	open, idle, sources := 0, 0, map[netip.Addr]int{}
	for _, c := range conns {
		if c.gone {
			if busy[c] {
				t.Fatal("a busy connection was closed")
			}
			continue
		}
		open++
		if !busy[c] {
			idle++
		}
		if c.source != nil {
			sources[c.address]++
		}
	}
	if counts.Open != open || counts.Idle != idle || counts.Sources != len(sources) || open > g.max {
		t.Fatalf("counts %+v, there are %d open, %d idle, %d sources of at most %d", counts, open, idle, len(sources), g.max)
	}
	for address, n := range sources {
		if s := g.sources[address]; s.open != n || n > g.perSource {
			t.Fatalf("%s has %d of at most %d, counted as %d", address, n, g.perSource, s.open)
		}
	}
}

package listener

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// attacker is the i-th address of somebody who wants everything.
func attacker(i int) string {
	return netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}).String()
}

const d1 = "192.0.2.1"

// grab takes as many connections as a source gets and does so with each what use does.
func (d *door) grab(from string, use func(net.Conn)) (got int) {
	d.t.Helper()
	for range d.guard.max {
		c := d.dial(from)
		if c == nil {
			return got
		}
		use(c)
		got++
	}
	return got
}

func idle(net.Conn) {}

func TestASourceHasAShareThatLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 64}, "10.0.0.0/8")
		for i, want := range []int{32, 16, 8, 4, 2, 1, 1} {
			if got := d.grab(attacker(i), func(c net.Conn) { d.serve(c, false) }); got != want {
				t.Errorf("source %d got %d connections, want %d", i, got, want)
			}
		}
		if got := d.guard.Counts(); got.Open != 64 || got.RefusedSource != 6 || got.RefusedFull+got.ClosedFull+got.ClosedSource != 0 {
			t.Errorf("counts %+v", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 64}, "10.0.0.0/8")
		if got := d.grab("10.1.1.1", idle); got != 64 {
			t.Errorf("an exempt source got %d of 64", got)
		}
	})
}

func TestSourcesThatKeepConnectingComeToEqualShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 64})
		for range 100 {
			for i := range 3 {
				d.dial(attacker(i))
			}
			time.Sleep(protectedTime)
		}
		for i := range 3 {
			if got := d.guard.sources[netip.MustParseAddr(attacker(i))].open; got < 15 || got > 17 {
				t.Errorf("source %d has %d of 64, want a quarter", i, got)
			}
		}
	})
}

// It is the source with the most that loses one, whatever it does with them.
func TestALightSourceKeepsItsIdleConnectionAndGetsNewOnes(t *testing.T) {
	for name, use := range map[string]func(d *door, c *guardedConn){
		"while others do nothing":      func(*door, *guardedConn) {},
		"while others have been used":  func(d *door, c *guardedConn) { d.serve(c, true) },
		"while others trickle":         trickleInto,
		"while others use and trickle": func(d *door, c *guardedConn) { d.serve(c, true); trickleInto(d, c) },
		"while others keep asking": func(d *door, c *guardedConn) {
			go func() {
				for d.guard.begin(c) {
					d.guard.end(c)
					time.Sleep(protectedTime / 2)
				}
			}()
		},
	} {
		for _, sources := range []int{2, 3, 8, 20} {
			t.Run(name+", "+strconv.Itoa(sources)+" of them", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := openDoor(t, Options{MaxConnections: 64})
					kept := d.must(d1).(*guardedConn)
					d.serve(kept, true)
					time.Sleep(time.Minute)
					for range 3 {
						for i := range sources {
							d.grab(attacker(i), func(c net.Conn) { use(d, c.(*guardedConn)) })
						}
						time.Sleep(protectedTime)
					}
					for range 10 {
						start := time.Now()
						c := d.dial(d1)
						if c == nil {
							c = <-d.admitted
						}
						if got := time.Since(start); got > waitTime+waitPoll {
							t.Errorf("admitted after %s", got)
						}
						d.serve(c, true)
						_ = c.Close()
						for i := range sources {
							d.grab(attacker(i), func(c net.Conn) { use(d, c.(*guardedConn)) })
						}
						time.Sleep(time.Second / 3)
					}
					if d.isGone(kept) {
						t.Error("the light source's idle connection was closed")
					}
					d.closeAll()
				})
			})
		}
	}
}

// trickleInto sends bytes that make no request.
func trickleInto(d *door, c *guardedConn) {
	go func() {
		for d.guard.received(c) {
			time.Sleep(protectedTime / 2)
		}
	}()
}

// One address a connection: nobody has more than another, so that only time and having authenticated tell them apart.
func TestAmongAsManySourcesAsConnectionsANewcomerStillGetsIn(t *testing.T) {
	for name, known := range map[string]bool{"and one that has authenticated loses none": true, "and one that has not loses its own in turn": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openDoor(t, Options{MaxConnections: 16})
				var kept []*guardedConn
				for range 5 {
					c := d.must(d1).(*guardedConn)
					d.guard.begin(c)
					if known {
						d.guard.know(c)
					}
					d.guard.end(c)
					kept = append(kept, c)
				}
				next := 0
				flood := func() {
					for range 30 {
						if c := d.dial(attacker(next)); c != nil {
							trickleInto(d, c.(*guardedConn))
						}
						next++
					}
					time.Sleep(protectedTime)
				}
				for range 20 {
					flood()
				}
				gone := 0
				for _, c := range kept {
					if d.isGone(c) {
						gone++
					}
				}
				if known != (gone == 0) {
					t.Errorf("%d of its %d connections were closed", gone, len(kept))
				}
				start := time.Now()
				if d.dial(d1) == nil {
					<-d.admitted
				}
				if got := time.Since(start); got > waitTime+waitPoll {
					t.Errorf("admitted after %s", got)
				}
				d.closeAll()
			})
		})
	}
}

func TestASourceThatHasAuthenticatedMayHaveAllThatIsFreeUpToItsBound(t *testing.T) {
	for bound, want := range map[int]int{0: 16, 12: 12} {
		synctest.Test(t, func(t *testing.T) {
			d := openDoor(t, Options{MaxConnections: 16, MaxPerSource: bound})
			c := d.must(d1).(*guardedConn)
			d.serve(c, false)
			d.guard.know(c)
			if got := 1 + d.grab(d1, idle); got != want {
				t.Errorf("got %d connections with a bound of %d, want %d", got, bound, want)
			}
			time.Sleep(protectedTime)
			d.must(attacker(1)) // a newcomer has fewer
			if d.isGone(c) {
				t.Error("the one with a request was closed")
			}
		})
	}
}

// closeAll ends what runs on the connections.
func (d *door) closeAll() {
	d.guard.mu.Lock()
	var all []*guardedConn
	for c := d.guard.protected.first; c != nil; c = c.after {
		all = append(all, c)
	}
	for _, s := range d.guard.sources {
		for _, q := range s.exposed {
			for c := q.first; c != nil; c = c.after {
				all = append(all, c)
			}
		}
	}
	d.guard.mu.Unlock()
	_ = d.listener.Close()
	for _, c := range all {
		_ = c.Close()
	}
	time.Sleep(time.Second)
}

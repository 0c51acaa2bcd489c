package listener

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestANewConnectionTakesThePlaceOfTheOneThatHasBeenIdleLongest(t *testing.T) {
	for name, c := range map[string]struct {
		from   [3]string // of the three connections that are there, one second apart
		served [3]bool
		closed int
	}{
		"of those that have been used, the first to fall idle": {[3]string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, [3]bool{true, true, true}, 0},
		"one that never sent a request comes first":            {[3]string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, [3]bool{true, true, false}, 2},
		"the oldest of those that never sent a request":        {[3]string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, [3]bool{true, false, false}, 1},
		"one of an exempt source comes last":                   {[3]string{"10.1.1.1", "192.0.2.2", "192.0.2.3"}, [3]bool{false, true, true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openDoor(t, Options{MaxConnections: 3}, "10.0.0.0/8")
				var conns []net.Conn
				for i, from := range c.from {
					conns = append(conns, d.must(from))
					if c.served[i] {
						d.serve(conns[i], true)
					}
					time.Sleep(protectedTime) // of the bubble: no time passes
				}
				d.must("192.0.2.9")
				for i, conn := range conns {
					if got := isClosed(conn); got != (i == c.closed) {
						t.Errorf("connection %d closed: %t", i, got)
					}
				}
				if got := d.guard.Counts(); got.Open != 3 || got.ClosedFull != 1 || got.RefusedFull != 0 {
					t.Errorf("counts %+v", got)
				}
			})
		})
	}
}

func TestWithNoIdleConnectionANewOneWaitsForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 2})
		first, second := d.must("192.0.2.1"), d.must("192.0.2.2")
		d.serve(first, false)
		d.serve(second, false)
		if d.dial("192.0.2.3") != nil {
			t.Fatal("admitted beyond the bound")
		}
		time.Sleep(waitTime / 2)
		_ = first.Close() // as the server does at the end
		third := <-d.admitted
		if third == nil {
			t.Fatal("not admitted when one had ended")
		}
		d.serve(third, false)

		if d.dial("192.0.2.4") != nil {
			t.Fatal("admitted beyond the bound")
		}
		time.Sleep(waitTime/2 - time.Millisecond)
		if got := d.guard.Counts(); got.RefusedFull != 0 {
			t.Errorf("refused too early: %+v", got)
		}
	})
}

func TestWhatFindsNoRoomForLongIsRefusedAndWhatIsBehindItNoLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 1})
		busy := d.must("192.0.2.1")
		d.serve(busy, false)
		const waiting = 20
		for i := range waiting {
			if d.dial("192.0.2."+strconv.Itoa(10+i)) != nil {
				t.Fatal("admitted beyond the bound")
			}
		}
		time.Sleep(waitTime + 2*waitPoll)
		if got := d.guard.Counts(); got.RefusedFull != waiting {
			t.Errorf("counts %+v: all were to be refused by now", got)
		}
		_ = busy.Close()
		d.must("192.0.2.99")
	})
}

func TestAListenerThatIsClosedWaitsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 1})
		d.serve(d.must("192.0.2.1"), false)
		d.dial("192.0.2.2")
		start := time.Now()
		if err := d.listener.Close(); err != nil {
			t.Fatal(err)
		}
		if _, open := <-d.admitted; open || time.Since(start) != 0 {
			t.Errorf("still accepting after %s", time.Since(start))
		}
	})
}

func TestASourceOverItsBoundMakesRoomAmongItsOwnOrIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 10, MaxPerSource: 2}, "10.0.0.0/8")
		other := d.must("192.0.2.200")
		time.Sleep(time.Minute)
		first, second := d.must("192.0.2.1"), d.must("192.0.2.1")
		if d.dial("192.0.2.1") != nil {
			t.Error("admitted a third while both are fresh")
		}
		d.serve(first, false)
		time.Sleep(protectedTime)
		d.must("192.0.2.1")
		if isClosed(first) || !isClosed(second) || isClosed(other) {
			t.Error("another connection than the source's idle one was closed")
		}
		d.must("192.0.2.2")
		for range 3 {
			d.must("10.0.0.1")
		}
		if got := d.guard.Counts(); got.Open != 7 || got.ClosedSource != 1 || got.RefusedSource != 1 || got.Sources != 3 {
			t.Errorf("counts %+v", got)
		}
	})
}

func TestWhatIsOneSource(t *testing.T) {
	of64 := func(a netip.Addr) netip.Addr {
		if a.Is4In6() || a.Zone() != "" {
			t.Errorf("asked for the source of %s", a)
		}
		if a.Is4() {
			return a
		}
		p, _ := a.Prefix(64)
		return p.Addr()
	}
	for name, c := range map[string]struct {
		key  func(netip.Addr) netip.Addr
		a, b string
		same bool
	}{
		"an IPv4 address":                    {nil, "192.0.2.1", "192.0.2.1", true},
		"two IPv4 addresses are two":         {nil, "192.0.2.1", "192.0.2.2", false},
		"an IPv4 address in either notation": {nil, "192.0.2.1", "::ffff:192.0.2.1", true},
		"an IPv6 address":                    {nil, "2001:db8::1", "2001:db8::2", false},
		"an IPv4 address by a function":      {of64, "192.0.2.1", "::ffff:192.0.2.1", true},
		"an IPv6 /64 by a function":          {of64, "2001:db8::1", "2001:db8::ffff:0:0:1", true},
		"two IPv6 /64 are two":               {of64, "2001:db8::1", "2001:db8:0:1::1", false},
		"an IPv6 address in any zone":        {of64, "fe80::1%a", "fe80::1%b", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openDoor(t, Options{MaxConnections: 10, MaxPerSource: 1, SourceKey: c.key})
				d.must(c.a)
				if got := d.dial(c.b) == nil; got != c.same {
					t.Errorf("the same source: %t", got)
				}
			})
		})
	}
}

// A request that is arriving on an idle connection has a second until its handler begins.
func TestTheFirstByteOfARequestProtectsAConnectionAndFurtherBytesDoNot(t *testing.T) {
	for name, c := range map[string]struct {
		used, known bool
		want        time.Duration // after which it is closed for another
	}{
		"that has never had one": {false, false, 0},
		"that has had one":       {true, false, protectedTime},
		"that has had one, of a source that has authenticated": {true, true, protectedTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openDoor(t, Options{MaxConnections: 1})
				conn := d.must("192.0.2.1").(*guardedConn)
				if c.used {
					d.serve(conn, true)
				}
				if c.known {
					d.guard.know(conn)
				}
				time.Sleep(time.Minute)
				start := time.Now()
				go func() {
					for d.guard.received(conn) {
						time.Sleep(50 * time.Millisecond)
					}
				}()
				synctest.Wait()
				for start := time.Now(); d.dial("192.0.2.2") == nil && !d.isGone(conn) && time.Since(start) < time.Minute; {
					time.Sleep(waitPoll)
				}
				if got := time.Since(start); got < c.want || got > c.want+waitPoll {
					t.Errorf("closed after %s, want %s", got, c.want)
				}
				time.Sleep(time.Second)
			})
		})
	}
}

// Pings of HTTP/2 come again and again; a request after one must not be without protection for ever.
func TestAByteAfterALongTimeProtectsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 1})
		c := d.must("192.0.2.1").(*guardedConn)
		d.serve(c, true)
		for range 5 {
			time.Sleep(15 * time.Second)
			d.guard.received(c)
		}
		if d.dial("192.0.2.2") != nil {
			t.Fatal("a connection whose request may be arriving was closed")
		}
		d.serve(c, false)
		time.Sleep(waitTime)
		if d.isGone(c) {
			t.Error("its request was cut off")
		}
	})
}

func TestARequestThatIsReadAfterTheDecisionToCloseIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 1})
		c := d.must("192.0.2.1").(*guardedConn)
		time.Sleep(protectedTime)
		d.must("192.0.2.2")
		handled := false
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) || handled {
				t.Errorf("panics with %v, handled: %t", err, handled)
			}
		}()
		handler := d.guard.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled = true }))
		request := httptest.NewRequestWithContext(d.guard.ConnContext(t.Context(), c), http.MethodPost, "/", nil)
		handler.ServeHTTP(httptest.NewRecorder(), request)
	})
}

// lateConn hands out bytes that had arrived before it was closed.
type lateConn struct {
	net.Conn
	arrived chan []byte
}

func (c *lateConn) Read(b []byte) (int, error) { return copy(b, <-c.arrived), nil }

func TestNothingThatArrivesAfterTheDecisionToCloseReachesTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 1})
		c := d.must("192.0.2.1").(*guardedConn)
		late := &lateConn{c.Conn, make(chan []byte, 1)}
		c.Conn = late
		d.serve(c, true)
		type result struct {
			n   int
			err error
		}
		read := make(chan result)
		go func() {
			n, err := c.Read(make([]byte, 9))
			read <- result{n, err}
		}()
		time.Sleep(protectedTime)
		d.must("192.0.2.2")
		late.arrived <- []byte("POST / HT")
		if got := <-read; got.n != 0 || !errors.Is(got.err, net.ErrClosed) {
			t.Errorf("the server read %d bytes, %v", got.n, got.err)
		}
	})
}

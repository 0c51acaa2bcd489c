package listener

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// held are connections of one source before a newcomer comes.
type held struct {
	from  string
	count int
	known bool
	how   func(d *door, c *guardedConn)
}

func busyNow(d *door, c *guardedConn) { d.guard.begin(c) }
func usedNow(d *door, c *guardedConn) { d.serve(c, true) }
func unusedNow(*door, *guardedConn)   {}
func asksAlways(d *door, c *guardedConn) {
	go func() {
		for d.guard.begin(c) {
			d.guard.end(c)
			time.Sleep(protectedTime / 2)
		}
	}()
}

func TestWhoLosesAConnectionToWhom(t *testing.T) {
	other := attacker(1)
	for name, c := range map[string]struct {
		there []held
		later time.Duration // until the newcomer comes
		from  string
		want  string // whose connection goes for it; "" when it is refused
		after time.Duration
	}{
		"what has authenticated loses one when the others are busy": {
			[]held{{d1, 2, true, usedNow}, {attacker(2), 2, false, busyNow}}, protectedTime, other, d1, 0},
		"what has not loses it first, with one against many": {
			[]held{{d1, 3, true, usedNow}, {attacker(2), 1, false, usedNow}}, protectedTime, other, attacker(2), 0},
		"what has authenticated takes it from a lighter one that has not": {
			[]held{{d1, 3, true, busyNow}, {attacker(2), 1, false, usedNow}}, protectedTime, d1, attacker(2), 0},
		"even while that is protected": {
			[]held{{d1, 3, true, busyNow}, {attacker(2), 1, false, usedNow}}, 0, d1, attacker(2), 0},
		"it spares its own idle ones for that": {
			[]held{{attacker(2), 2, false, usedNow}, {d1, 2, true, usedNow}}, 0, d1, attacker(2), 0},
		"its own protected ones only time gives up": {
			[]held{{d1, 4, true, usedNow}}, 0, other, d1, protectedTime},
		"its own idle ones it gives up at last": {
			[]held{{attacker(2), 2, false, busyNow}, {d1, 2, true, usedNow}}, protectedTime, d1, d1, 0},
		"what has not takes none from a lighter one": {
			[]held{{other, 3, false, busyNow}, {attacker(2), 1, false, usedNow}}, protectedTime, other, "", 0},
		"nor from an equal one": {
			[]held{{other, 2, false, busyNow}, {attacker(2), 2, false, usedNow}}, protectedTime, other, "", 0},
		"unless that has never had a request": {
			[]held{{other, 2, false, busyNow}, {attacker(2), 2, false, unusedNow}}, protectedTime, other, attacker(2), 0},
		"and it has had one itself": {
			[]held{{other, 2, false, unusedNow}, {attacker(2), 2, false, unusedNow}}, protectedTime, other, other, 0},
		"the share of one among its equals is refused at once": {
			[]held{{other, 2, false, busyNow}, {attacker(2), 2, false, busyNow}}, 0, other, "", 0},
		"what is protected gives way at once to one with less than half": {
			[]held{{attacker(2), 3, false, asksAlways}, {other, 1, false, busyNow}}, 0, attacker(3), attacker(2), 0},
		"and after a second to one with less": {
			[]held{{attacker(2), 1, false, asksAlways}, {attacker(3), 1, false, busyNow}},
			0, other, attacker(2), waitTime},
		"a source with many protected ones goes before one with an idle one": {
			[]held{{attacker(2), 4, false, asksAlways}, {d1, 1, false, usedNow}}, protectedTime, other, attacker(2), 0},
		"with all busy one is refused after a second": {
			[]held{{attacker(2), 4, false, busyNow}}, 0, other, "", waitTime},
		"a proxy takes one from any other": {
			[]held{{"10.1.1.1", 3, false, busyNow}, {d1, 1, true, usedNow}}, protectedTime, "10.1.1.1", d1, 0},
		"a proxy loses one last": {
			[]held{{"10.1.1.1", 3, false, usedNow}, {d1, 1, true, usedNow}}, protectedTime, other, d1, 0},
		"but loses one": {
			[]held{{"10.1.1.1", 3, false, usedNow}, {d1, 1, true, busyNow}}, protectedTime, other, "10.1.1.1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openDoor(t, Options{MaxConnections: 100}, "10.0.0.0/8")
				var all []*guardedConn
				names := map[*guardedConn]string{}
				for _, h := range c.there {
					for range h.count {
						conn := d.must(h.from).(*guardedConn)
						if h.known {
							d.guard.know(conn)
						}
						h.how(d, conn)
						all, names[conn] = append(all, conn), h.from
					}
				}
				d.guard.max = len(all)
				time.Sleep(c.later)
				start := time.Now()
				newcomer := d.dial(c.from)
				for newcomer == nil && d.guard.Counts().RefusedFull+d.guard.Counts().RefusedSource == 0 {
					time.Sleep(waitPoll)
					synctest.Wait()
					select {
					case newcomer = <-d.admitted:
					default:
					}
				}
				if got := time.Since(start); got < c.after || got > c.after+2*waitPoll {
					t.Errorf("decided after %s, want %s", got, c.after)
				}
				got := ""
				for _, conn := range all {
					if d.isGone(conn) {
						got += names[conn]
					}
				}
				if got != c.want || (newcomer != nil) != (c.want != "") {
					t.Errorf("%q lost a connection, want %q; admitted: %t", got, c.want, newcomer != nil)
				}
				d.closeAll()
				for _, conn := range all {
					_ = conn.Close()
				}
				time.Sleep(time.Second)
			})
		})
	}
}

func TestASourceLosesFirstWhatHasNeverHadARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{MaxConnections: 100, MaxPerSource: 4})
		var conns []net.Conn
		for _, how := range []func(*door, *guardedConn){usedNow, unusedNow, usedNow, unusedNow} {
			c := d.must(d1)
			how(d, c.(*guardedConn))
			conns = append(conns, c)
			time.Sleep(protectedTime)
		}
		for _, want := range []int{1, 3, 0, 2} {
			d.serve(d.must(d1), false)
			if !isClosed(conns[want]) {
				t.Fatalf("connection %d is still open", want)
			}
		}
	})
}

package listener

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// protectedTime is how long a connection is safe from being closed for another: after it was accepted, after the end of its last
	// request, and after the first byte of its next one. It is longer than a request needs from its first byte to its handler.
	protectedTime = time.Second
	// waitTime is how long new connections may wait for room, all of them together, in every waitEvery. Once it is over, what is protected
	// gives way.
	waitTime  = time.Second
	waitEvery = 10 * time.Second
	// waitPoll is how often room is looked for meanwhile: a connection whose protection ends tells nobody.
	waitPoll = 20 * time.Millisecond
)

// guard bounds the connections of a listener and decides which one goes when there are too many.
//
// A source may have another connection while it has fewer than are free (httpx.Fair's rule), and one that has authenticated while any is
// free. Beyond that a new connection takes the place of an idle one, of the source that has the most; those that have authenticated
// lose theirs only when no other source has one to lose. Of a source's connections goes first one that has never had a request, then
// the one that has been idle longest. The source that loses one must have more than the newcomer's (as many will do when only the
// newcomer's has had requests), or not have authenticated when that has. Else the newcomer's own source loses one, or the newcomer is
// refused.
//
// An idle connection is protected for a while, see protectedTime. Bytes that make no request protect nothing for longer, and on a
// connection that has never had a request nothing at all. A source that has never authenticated has that protection only from those that
// have not, and that have half as many connections or more. While all are protected, the newcomer of a source that has less than
// the mean waits, in the backlog of the listener, and after waitTime what is protected gives way. A connection whose handler runs never
// does, and when every connection has one, the newcomer is refused.
//
// No request is ever handled and then cut off to make room: a connection is closed only while none of its handlers runs, and from that
// decision on none is begun. What remains is what every server's idle timeout has too: a request that is on its way while its connection is
// being closed gets no answer, and clients do not repeat a POST by themselves. That is what protectedTime makes rare.
type guard struct {
	max, perSource int
	exempt         []netip.Prefix
	key            func(netip.Addr) netip.Addr

	mu         sync.Mutex
	open, busy int
	sources    map[netip.Addr]*source // that have connections or have authenticated
	connected  int                    // how many of them have connections
	proxies    source                 // all the exempt ones
	protected  queue
	victims    victims
	known      *list.List // of *source: those that have authenticated, the one that did so longest ago first
	waited     time.Time  // when new connections last began to wait for room
	changed    chan struct{}
	counts     Counts
}

// Counts says how the connections of a listener fare, for metrics.
type Counts struct {
	// Open, Idle and Sources say how many connections and source addresses there are now. A connection without a request is idle.
	Open, Idle, Sources int
	// RefusedFull and RefusedSource count the new connections closed for want of room: because every connection had a request under
	// way, and because their source had its share.
	RefusedFull, RefusedSource uint64
	// ClosedFull and ClosedSource count the idle connections closed to make room for one of another source, and of their own.
	ClosedFull, ClosedSource uint64
	// HandshakesFailed counts TLS handshakes that failed, those that the peer broke off before it said anything aside.
	HandshakesFailed uint64
}

func newGuard(o Options) *guard {
	g := &guard{
		max: o.MaxConnections, perSource: o.MaxPerSource, exempt: o.Exempt, key: o.SourceKey,
		sources: make(map[netip.Addr]*source), known: list.New(), changed: make(chan struct{}, 1),
	}
	g.proxies.standing = exempt
	return g
}

// Counts answers the counts as they are now.
func (g *guard) Counts() Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.counts
	c.Open, c.Idle, c.Sources = g.open, g.open-g.busy, g.connected
	return c
}

// admit answers the connection to serve, or nil and whether it may be tried again later.
func (g *guard) admit(conn net.Conn, from origin) (_ *guardedConn, again bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	s := g.sourceOf(from)
	switch g.makeRoom(s, now) {
	case refused:
		return nil, false
	case waiting:
		return nil, true
	}
	c := &guardedConn{Conn: conn, guard: g, source: s}
	g.open++
	if s.standing != exempt {
		g.sources[s.address] = s
		if s.open == 0 {
			g.connected++
		}
	}
	s.open++
	g.victims.update(s)
	g.rest(c, now)
	return c, false
}

// begin takes a connection off the idle ones for one more request. It answers false when the connection has been closed: then the
// request must not be handled.
func (g *guard) begin(c *guardedConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.gone {
		return false
	}
	if c.requests == 0 {
		c.listening.Store(false)
		g.unrest(c)
		g.busy++
		if !c.used {
			c.used, c.source.used = true, true
			g.victims.update(c.source)
		}
	}
	c.requests++
	return true
}

// end puts a connection whose last request has ended among the idle ones.
func (g *guard) end(c *guardedConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.requests--; c.requests > 0 || c.gone {
		return
	}
	g.busy--
	g.rest(c, time.Now())
}

// received notes that an idle connection has sent something. It answers false when the connection has been closed to make room: then
// the server must not see it.
func (g *guard) received(c *guardedConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.gone {
		return false
	}
	if !c.used || c.requests > 0 {
		return true
	}
	// A byte protects only what has been without protection for as long: bytes that make no request cannot keep a connection safe.
	if now := time.Now(); now.Sub(c.since) >= 2*protectedTime {
		g.unrest(c)
		g.rest(c, now)
	}
	return true
}

// rest puts a connection among the idle ones, protected at first.
func (g *guard) rest(c *guardedConn, now time.Time) {
	c.since = now
	c.listening.Store(true)
	g.protected.push(c)
}

func (g *guard) unrest(c *guardedConn) {
	if !c.exposed {
		g.protected.remove(c)
		return
	}
	c.exposed = false
	c.source.idle(c).remove(c)
	g.victims.update(c.source)
}

// expose ends the protection of those whose time is over.
func (g *guard) expose(now time.Time) {
	for c := g.protected.first; c != nil && now.Sub(c.since) >= protectedTime; c = g.protected.first {
		g.protected.remove(c)
		c.exposed = true
		c.source.idle(c).push(c)
		g.victims.update(c.source)
	}
}

// forget takes a connection that is closed off the books. Calling it again does nothing.
func (g *guard) forget(c *guardedConn) {
	if c.gone {
		return
	}
	c.gone = true
	if c.requests > 0 {
		g.busy--
	} else {
		g.unrest(c)
	}
	g.open--
	s := c.source
	s.open--
	g.victims.update(s)
	if s.open == 0 && s.standing != exempt {
		g.connected--
		if s.standing == stranger {
			delete(g.sources, s.address)
		}
	}
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

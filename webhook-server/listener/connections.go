package listener

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// quietTime is how long an idle connection must have been silent before it is closed for another. It is longer than a request needs
	// from its first byte to the server's taking notice of it.
	quietTime = time.Second
	// stirredTime is how long an idle connection may send bytes that make no request, HTTP/2 pings for instance, before that protects it
	// no more. An HTTP/1.1 request must have its header complete by then (limits.readHeader).
	stirredTime = 5 * time.Second
	// fullTime is how long connections may wait for room, all of them together, before they are refused.
	fullTime = time.Second
	// fullPoll is how often room is looked for meanwhile: a connection that falls quiet tells nobody.
	fullPoll = 20 * time.Millisecond
)

// connections bounds the connections of a listener, in all and for each source address (one IPv4 address, one IPv6 /64), and makes room
// for a new one by closing the one that has been idle longest: first those that have never sent a request, then the others, and
// those of exempt sources last. A source over its own bound makes room among its own. Only when no connection is idle the new one waits, in
// the backlog of the listener and for a bounded time, or is refused; a source over its bound is refused at once.
//
// No request is ever taken in and then cut off to make room: a connection whose request is under way is not idle, and from the decision to
// close a connection on, no byte that it sends reaches the server. What remains is what every server's idle timeout has too: a request that is on its
// way while its connection is being closed gets no answer, and clients do not repeat a POST by themselves. So only connections that have
// been silent for quietTime are closed. The exceptions: a server so late that it takes notice of a request only quietTime after its last byte,
// and a connection that has sent bytes without a request for stirredTime and sends one in that very instant.
//
// It needs to know what net/http knows: its ConnState method must be the server's.
type connections struct {
	max, perSource int
	exempt         []netip.Prefix

	mu      sync.Mutex
	open    int
	sources map[netip.Addr]*source
	idle    [tiers]queue
	full    time.Time // since when there has been no room; zero when there is some
	changed chan struct{}
	counts  Counts
}

// The tiers of idle connections, in the order in which they are closed to make room.
const (
	unusedTier = iota // has never sent a request; net/http counts the preface of HTTP/2 as one
	usedTier
	exemptTier
	tiers
)

// Counts says how the connections of a listener fare, for metrics.
type Counts struct {
	// Open, Idle and Sources say how many connections and source addresses there are now. A connection without a request is idle.
	Open, Idle, Sources int
	// RefusedFull and RefusedSource count the new connections closed for want of room, in all and within their source's bound.
	RefusedFull, RefusedSource uint64
	// ClosedFull and ClosedSource count the idle connections closed to make room, in all and within their source's bound.
	ClosedFull, ClosedSource uint64
}

// newConnections bounds connections to max in all and perSource for each source address outside of the exempt prefixes, which are for
// proxies that many clients share. Both bounds are at least 1; one above max has no effect.
func newConnections(maximum, perSource int, exempt []netip.Prefix) *connections {
	return &connections{
		max: maximum, perSource: perSource, exempt: exempt,
		sources: make(map[netip.Addr]*source), changed: make(chan struct{}, 1),
	}
}

// Counts answers the counts as they are now.
func (g *connections) Counts() Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.counts
	c.Open, c.Sources = g.open, len(g.sources)
	for i := range g.idle {
		c.Idle += g.idle[i].length
	}
	return c
}

// ConnState is for http.Server.ConnState. Connections of other listeners pass.
func (g *connections) ConnState(conn net.Conn, state http.ConnState) {
	c := guarded(conn)
	if c == nil || c.guard != g {
		return
	}
	switch state {
	case http.StateActive:
		g.busy(c)
	case http.StateIdle:
		g.rest(c)
	}
}

// guarded finds the connection below TLS; nil when the listener was another one.
func guarded(conn net.Conn) *guardedConn {
	for {
		switch c := conn.(type) {
		case *guardedConn:
			return c
		case interface{ NetConn() net.Conn }: // *tls.Conn
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// busy takes a connection with a request under way off the idle ones.
func (g *connections) busy(c *guardedConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.gone || !c.listening.Load() {
		return
	}
	c.listening.Store(false)
	g.unlink(c)
	if c.tier == unusedTier {
		c.tier = usedTier
	}
}

// rest puts a connection whose last request has ended among the idle ones.
func (g *connections) rest(c *guardedConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.gone || c.listening.Load() {
		return
	}
	g.link(c, time.Now())
}

func (g *connections) link(c *guardedConn, now time.Time) {
	c.lastByte, c.stirred = now, time.Time{}
	c.listening.Store(true)
	g.idle[c.tier].push(c, inAll)
	if c.source != nil {
		c.source.idle[c.tier].push(c, inSource)
	}
}

func (g *connections) unlink(c *guardedConn) {
	g.idle[c.tier].remove(c, inAll)
	if c.source != nil {
		c.source.idle[c.tier].remove(c, inSource)
	}
}

// received notes that an idle connection has sent something. It answers false when the connection has been closed to make room: then
// the server must not see it.
func (g *connections) received(c *guardedConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.gone {
		return false
	}
	c.lastByte = time.Now()
	if c.stirred.IsZero() {
		c.stirred = c.lastByte
	}
	return true
}

// admit answers the connection to serve, or nil and whether it may be tried again later.
func (g *connections) admit(conn net.Conn, address netip.Addr, isExempt bool) (_ *guardedConn, again bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var from *source
	if !isExempt {
		from = g.sources[address]
		if from != nil && from.open >= g.perSource && !g.makeRoom(&from.idle, inSource, now, &g.counts.ClosedSource) {
			g.counts.RefusedSource++
			return nil, false
		}
	}
	if g.open >= g.max && !g.makeRoom(&g.idle, inAll, now, &g.counts.ClosedFull) {
		if g.full.IsZero() {
			g.full = now
		}
		if now.Sub(g.full) < fullTime {
			return nil, true
		}
		g.counts.RefusedFull++
		return nil, false
	}
	g.full = time.Time{}
	c := &guardedConn{Conn: conn, guard: g, address: address, tier: exemptTier}
	if !isExempt {
		if from = g.sources[address]; from == nil { // making room may have forgotten it
			from = new(source)
			g.sources[address] = from
		}
		from.open++
		c.source, c.tier = from, unusedTier
	}
	g.open++
	g.link(c, now)
	return c, false
}

// makeRoom closes the first idle connection that may be closed.
func (g *connections) makeRoom(idle *[tiers]queue, by ring, now time.Time, count *uint64) bool {
	for tier := range idle {
		if c := idle[tier].closable(by, now); c != nil {
			*count++
			g.forget(c)
			_ = c.Conn.Close() // of TCP: it does not wait
			return true
		}
	}
	return false
}

// forget takes a connection that is closed off the books. Calling it again does nothing.
func (g *connections) forget(c *guardedConn) {
	if c.gone {
		return
	}
	c.gone = true
	if c.listening.Load() {
		g.unlink(c)
	}
	g.open--
	if c.source != nil {
		if c.source.open--; c.source.open == 0 {
			delete(g.sources, c.address)
		}
	}
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

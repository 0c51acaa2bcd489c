package listener

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// guardedConn is a connection that connections bounds.
type guardedConn struct {
	net.Conn
	guard   *connections
	source  *source // nil for an exempt one
	address netip.Addr

	// listening is set while the connection is idle; only then its reads are noted.
	listening atomic.Bool

	// The rest is guarded by guard.mu.
	gone     bool
	tier     int
	lastByte time.Time // when it last sent something, or became idle
	stirred  time.Time // when it first sent something since it became idle
	links    [rings]link
}

// Read reads, unless the connection has been closed to make room for another: then what it still sends is not for the server.
func (c *guardedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.listening.Load() && !c.guard.received(c) {
		return 0, net.ErrClosed
	}
	return n, err
}

// Close makes room. The server calls it for every connection.
func (c *guardedConn) Close() error {
	c.guard.mu.Lock()
	c.guard.forget(c)
	c.guard.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets net/http send an error, 431 for instance, to a peer that is still sending: without it the answer would be lost to a reset.
func (c *guardedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// ring is one of the two queues that an idle connection is in.
type ring int

const (
	inAll ring = iota
	inSource
	rings
)

type link struct{ before, after *guardedConn }

// queue holds idle connections, the one that has been idle longest first. Every operation takes constant time, so that a flood of new
// connections costs no more the more connections there are.
type queue struct {
	first, last *guardedConn
	length      int
}

func (q *queue) push(c *guardedConn, by ring) {
	c.links[by] = link{before: q.last}
	if q.last == nil {
		q.first = c
	} else {
		q.last.links[by].after = c
	}
	q.last = c
	q.length++
}

func (q *queue) remove(c *guardedConn, by ring) {
	l := c.links[by]
	if l.before == nil {
		q.first = l.after
	} else {
		l.before.links[by].after = l.after
	}
	if l.after == nil {
		q.last = l.before
	} else {
		l.after.links[by].before = l.before
	}
	c.links[by] = link{}
	q.length--
}

// closeable looks at no more than this many connections.
const closableScan = 32

// closable answers the connection that has been idle longest among those that are silent, else among those that have been stirred for
// long without a request; nil when there is none. It looks only at those that have been idle longest.
func (q *queue) closable(by ring, now time.Time) *guardedConn {
	var restless *guardedConn
	for c, n := q.first, 0; c != nil && n < closableScan; c, n = c.links[by].after, n+1 {
		if now.Sub(c.lastByte) >= quietTime {
			return c
		}
		if restless == nil && !c.stirred.IsZero() && now.Sub(c.stirred) >= stirredTime {
			restless = c
		}
	}
	return restless
}

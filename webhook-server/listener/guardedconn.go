package listener

import (
	"net"
	"sync/atomic"
	"time"
)

// guardedConn is a connection that guard bounds.
type guardedConn struct {
	net.Conn
	guard  *guard
	source *source

	// listening is set while the connection is idle; only then its reads are noted.
	listening atomic.Bool

	// The rest is guarded by guard.mu.
	gone          bool
	used          bool      // has had a request
	requests      int       // whose handlers run
	since         time.Time // when the protection of an idle one began
	exposed       bool      // is idle and has no protection any more
	before, after *guardedConn
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

// queue holds idle connections, the one that has been there longest first. Every operation takes constant time.
type queue struct{ first, last *guardedConn }

func (q *queue) push(c *guardedConn) {
	c.before = q.last
	if q.last == nil {
		q.first = c
	} else {
		q.last.after = c
	}
	q.last = c
}

func (q *queue) remove(c *guardedConn) {
	if c.before == nil {
		q.first = c.after
	} else {
		c.before.after = c.after
	}
	if c.after == nil {
		q.last = c.before
	} else {
		c.after.before = c.before
	}
	c.before, c.after = nil, nil
}

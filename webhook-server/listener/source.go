package listener

import (
	"container/list"
	"net"
	"net/netip"
	"slices"
	"time"
)

// standing is what is known of a source, in the order in which sources lose connections.
type standing int

const (
	stranger standing = iota // has not authenticated
	known
	exempt // a proxy that many clients share
)

// source is what guard knows of one source address.
type source struct {
	address  netip.Addr
	standing standing
	open     int
	used     bool          // has had a request
	exposed  [2]queue      // idle connections that are not protected: those that have never had a request, and the others
	place    int           // in victims, from 1; 0 when it has no exposed connections
	proven   time.Time     // when it authenticated last
	proof    *list.Element // in guard.known
}

// idle answers the queue that is the connection's while it is idle and not protected.
func (s *source) idle(c *guardedConn) *queue {
	if c.used {
		return &s.exposed[1]
	}
	return &s.exposed[0]
}

// longestIdle answers the connection that the source loses first, nil when none may be closed.
func (s *source) longestIdle() *guardedConn {
	if c := s.exposed[0].first; c != nil {
		return c
	}
	return s.exposed[1].first
}

// mayDisplace tells whether a new connection of s may take the place of one of v. Between equals it may if only s has had a request.
func (s *source) mayDisplace(v *source) bool {
	return s.standing > v.standing || s.open < v.open || s.open == v.open && s.used && !v.used
}

// outweighedBy tells whether v, which has not authenticated, is so much the greater one that its protected connections are not safe from s.
func (s *source) outweighedBy(v *source) bool {
	return s.standing > v.standing || v.open >= 2*(s.open+1)
}

// before tells whether s loses a connection before t does; both have exposed ones.
func (s *source) before(t *source) bool {
	switch {
	case s.standing != t.standing:
		return s.standing < t.standing
	case s.open != t.open:
		return s.open > t.open
	case s.used != t.used:
		return !s.used
	}
	return s.longestIdle().since.Before(t.longestIdle().since)
}

// origin is where a new connection comes from.
type origin struct {
	address netip.Addr // as it is counted
	exempt  bool
}

// originOf answers by which address a connection is counted. Those that have none are of one source.
func (g *guard) originOf(conn net.Conn) origin {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return origin{}
	}
	address := tcp.AddrPort().Addr().Unmap().WithZone("")
	if slices.ContainsFunc(g.exempt, func(p netip.Prefix) bool { return p.Contains(address) }) {
		return origin{exempt: true}
	}
	if g.key != nil {
		address = g.key(address)
	}
	return origin{address: address}
}

// sourceOf answers the source of a new connection. One that has none yet goes into the books when its connection is admitted.
func (g *guard) sourceOf(from origin) *source {
	if from.exempt {
		return &g.proxies
	}
	if s := g.sources[from.address]; s != nil {
		return s
	}
	return &source{address: from.address}
}

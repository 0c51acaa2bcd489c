package listener

import (
	"context"
	"time"
)

const (
	// mostKnown bounds the sources that are remembered to have authenticated, knownTime for how long they are.
	mostKnown = 1024
	knownTime = 24 * time.Hour
)

// Authenticated notes that the sender of a request has proved who it is: its source keeps its connections, and gets new ones, before those
// that have not done so. That holds for 24 hours, for the 1,024 sources that did so last. The context is the request's; of a
// request that has not come by a Listener it does nothing.
func Authenticated(ctx context.Context) {
	if c, ok := ctx.Value(connectionKey{}).(*guardedConn); ok {
		c.guard.know(c)
	}
}

func (g *guard) know(c *guardedConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := c.source
	if c.gone || s.standing == exempt {
		return
	}
	s.proven = time.Now()
	if s.standing == known {
		g.known.MoveToBack(s.proof)
		return
	}
	s.standing, s.proof = known, g.known.PushBack(s)
	g.victims.update(s)
	if g.known.Len() > mostKnown {
		g.doubt(g.known.Front().Value.(*source))
	}
}

// doubtOld forgets proofs that are too old.
func (g *guard) doubtOld(now time.Time) {
	for e := g.known.Front(); e != nil; e = g.known.Front() {
		s := e.Value.(*source)
		if now.Sub(s.proven) < knownTime {
			return
		}
		g.doubt(s)
	}
}

func (g *guard) doubt(s *source) {
	g.known.Remove(s.proof)
	s.standing, s.proof = stranger, nil
	g.victims.update(s)
	if s.open == 0 {
		delete(g.sources, s.address)
	}
}

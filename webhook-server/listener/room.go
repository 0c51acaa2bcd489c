package listener

import "time"

// verdict is what becomes of a new connection.
type verdict int

const (
	admitted verdict = iota
	waiting
	refused
)

// makeRoom makes room for one more connection of the source, if it may have one.
func (g *guard) makeRoom(s *source, now time.Time) verdict {
	g.doubtOld(now)
	free := g.max - g.open
	bounded := g.perSource > 0 && s.open >= g.perSource && s.standing != exempt
	if !bounded && free > 0 && (s.standing != stranger || s.open < free) {
		return admitted
	}
	g.expose(now)
	if bounded {
		return g.displaceOwn(s)
	}
	v, protected := g.victims.first(), g.protectedVictim(s)
	loses := v != nil && s.mayDisplace(v)
	switch {
	case protected != nil && s.outweighedBy(protected.source) && (!loses || v.outweighedBy(protected.source)):
		return g.displace(protected, s)
	case loses && v.standing == stranger:
		return g.displace(v.longestIdle(), s)
	case !g.belowMean(s):
		return g.displaceOwn(s)
	case protected == nil && loses:
		return g.displace(v.longestIdle(), s)
	case free > 0 || (protected == nil && s.longestIdle() != nil):
		return g.displaceOwn(s)
	case g.mayWait(now):
		return waiting
	case protected != nil:
		return g.displace(protected, s)
	}
	g.counts.RefusedFull++
	return refused
}

// displaceOwn makes room among the source's own connections, if it has an idle one.
func (g *guard) displaceOwn(s *source) verdict {
	if c := s.longestIdle(); c != nil {
		return g.displace(c, s)
	}
	g.counts.RefusedSource++
	return refused
}

// mayWait tells whether there is time left to wait for room. It is for all that wait, because those behind them wait too.
func (g *guard) mayWait(now time.Time) bool {
	if now.Sub(g.waited) >= waitEvery {
		g.waited = now
	}
	return now.Sub(g.waited) < waitTime
}

// belowMean tells whether a source has less than sources have on average, so that some other has more. One that has authenticated is not
// measured by that.
func (g *guard) belowMean(s *source) bool {
	return s.standing != stranger || s.open*g.connected < g.open
}

// protectedScan is how many protected connections are looked at.
const protectedScan = 32

// protectedVictim answers the connection that may have to give way to one of the source although it is protected: of those that have been so
// longest, one of the source that has the most connections. Sources that have authenticated are spared.
func (g *guard) protectedVictim(s *source) *guardedConn {
	var victim *guardedConn
	for c, n := g.protected.first, 0; c != nil && n < protectedScan; c, n = c.after, n+1 {
		if c.source.standing == stranger && s.mayDisplace(c.source) && (victim == nil || c.source.open > victim.source.open) {
			victim = c
		}
	}
	return victim
}

// displace closes a connection for one of the source.
func (g *guard) displace(c *guardedConn, by *source) verdict {
	if c.source == by {
		g.counts.ClosedSource++
	} else {
		g.counts.ClosedFull++
	}
	g.forget(c)
	_ = c.Conn.Close() // of TCP: it does not wait
	return admitted
}

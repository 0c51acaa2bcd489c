package delivery

import "time"

const (
	// suspectAfter is how many failures in a row make a destination suspect, and opensAfter how long they must have gone on to open its
	// circuit. A backend that refuses each notification once has the time to accept the first retries: a count alone would take it to be
	// down and spend the probes on notifications that it has not refused yet.
	suspectAfter = 5
	opensAfter   = 10 * time.Second
	// spacing lies between two attempts of a suspect lane, so that a dead destination costs some hundreds of them before its circuit opens.
	spacing = 20 * time.Millisecond
	// longestPause bounds the time between two probes, and for how long Retry-After may pause a lane.
	longestPause = time.Minute
)

// circuit is a lane's memory of how its destination has been doing. It is a value: each event makes the next one.
// Its zero value is closed.
type circuit struct {
	// failures counts those in a row, up to suspectAfter; since is when the first of them ended.
	failures int
	since    time.Time
	// probes is 0 while the circuit is closed, else 1 and one more for each probe that failed, as far as that lengthens the pause.
	probes int
	// chosen says that the probe after this pause has been chosen from what is due.
	chosen bool
	// notBefore is when the next attempt may start.
	notBefore time.Time
}

// isOpen says that the destination is taken to be down.
func (c circuit) isOpen() bool { return c.probes > 0 }

// isSuspect says that nothing but failures has come lately, for too short a time to call the destination down.
func (c circuit) isSuspect() bool { return !c.isOpen() && c.failures >= suspectAfter }

// wait is how long no attempt may start.
func (c circuit) wait(now time.Time) time.Duration { return max(0, c.notBefore.Sub(now)) }

// admits is how many attempts may start once wait is over: one at a time to a suspect destination, and one alone, the probe, while the
// circuit is open.
func (c circuit) admits(maxInFlight, underWay int) int {
	switch {
	case c.isOpen():
		return max(0, 1-underWay)
	case c.isSuspect():
		return max(0, min(1, maxInFlight-underWay))
	}
	return max(0, maxInFlight-underWay)
}

// choosesProbe says that what starts next should be chosen with care. It does so once in a pause: what is chosen may turn out to be
// too old to be attempted, and so may all the others.
func (c circuit) choosesProbe() bool { return c.isOpen() && !c.chosen }

// began is the circuit after an attempt has started.
func (c circuit) began(now time.Time) circuit {
	c.chosen = c.isOpen()
	if c.isSuspect() {
		c.notBefore = later(c.notBefore, now.Add(spacing))
	}
	return c
}

// succeeded is the circuit after an attempt that was delivered.
func (c circuit) succeeded() circuit { return circuit{} }

// failed is the circuit after an attempt that failed. What started before the pause that holds now says nothing new: many attempts
// that were under way together when the circuit opened lengthen the pause once.
func (c circuit) failed(started, now time.Time) circuit {
	if c.isOpen() && started.Before(c.notBefore) {
		return c
	}
	if c.failures == 0 {
		c.since = now
	}
	c.failures = min(c.failures+1, suspectAfter)
	if c.failures < suspectAfter || now.Sub(c.since) < opensAfter {
		return c
	}
	c.chosen = false
	pause := min(time.Second<<c.probes, longestPause)
	if pause < longestPause {
		c.probes++
	}
	c.notBefore = later(c.notBefore, now.Add(pause))
	return c
}

// paused is the circuit after the destination asked to be left alone for a while.
func (c circuit) paused(asked time.Duration, now time.Time) circuit {
	c.notBefore = later(c.notBefore, now.Add(min(asked, longestPause)))
	return c
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

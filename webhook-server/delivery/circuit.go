package delivery

import "time"

const (
	// opensAfter is how many failures in a row open a circuit.
	opensAfter = 5
	// longestPause bounds the time between two probes, and for how long Retry-After may pause a lane.
	longestPause = time.Minute
)

// circuit is a lane's memory of how its destination has been doing. It is a value: each event makes the next one.
// Its zero value is closed.
type circuit struct {
	failures int
	// notBefore is when the next attempt may start.
	notBefore time.Time
}

// isOpen says that the destination is taken to be down.
func (c circuit) isOpen() bool { return c.failures >= opensAfter }

// wait is how long no attempt may start.
func (c circuit) wait(now time.Time) time.Duration { return max(0, c.notBefore.Sub(now)) }

// limit is how many attempts may be under way at once: a probe while the circuit is open.
func (c circuit) limit(closed int) int {
	if c.isOpen() {
		return 1
	}
	return closed
}

// succeeded is the circuit after an attempt that was delivered.
func (c circuit) succeeded() circuit { return circuit{} }

// failed is the circuit after an attempt that failed. What started before the pause that holds now says nothing new: many attempts
// that were under way together when the destination went down lengthen the pause once.
func (c circuit) failed(started, now time.Time) circuit {
	if c.isOpen() && started.Before(c.notBefore) {
		return c
	}
	c.failures = min(c.failures+1, opensAfter+10)
	if c.isOpen() {
		pause := min(time.Second<<(c.failures-opensAfter), longestPause)
		c.notBefore = later(c.notBefore, now.Add(pause))
	}
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

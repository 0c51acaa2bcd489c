package delivery

import (
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
)

const (
	// stretch is by how much jitter lengthens the waits of a list, at most.
	stretch = 0.2
	// longestAsked bounds the Retry-After of a destination whose schedule is a list.
	longestAsked = 24 * time.Hour
	// shortestUnknown and longestUnknown bound the wait of what has no destination.
	shortestUnknown, longestUnknown = time.Minute, time.Hour
)

// backoff is how long to wait after so many failed attempts (1 or more), that long after the schedule began. The answer is false when the
// schedule has no further attempt. Jitter is from [0, 1).
func backoff(attempts int, elapsed time.Duration, r api.Retry, jitter float64) (time.Duration, bool) {
	if len(r.DelaysSeconds) == 0 {
		return doubling(attempts, r, jitter), true
	}
	place := placeInList(attempts, elapsed, r.DelaysSeconds)
	if place >= len(r.DelaysSeconds) {
		return 0, false
	}
	delay := time.Duration(r.DelaysSeconds[place]) * time.Second
	return delay + time.Duration(jitter*stretch*float64(delay)), true
}

// placeInList is which of the delays comes next, counted from 0. It is the one of that attempt, unless attempts were made ahead of the list,
// because a destination that was down had come back: those cost none of it. So a destination that comes and goes within the hour does not
// use up in that hour what is meant to last for days.
func placeInList(attempts int, elapsed time.Duration, delays []int) int {
	last := max(attempts, 1) - 1
	var due time.Duration // the earliest that the list has the attempt before this place
	for place := range min(last, len(delays)) {
		due += time.Duration(delays[place]) * time.Second
		if elapsed < due {
			return place
		}
	}
	return last
}

// doubling is a wait that doubles from initialSeconds on and is spread over its upper half by jitter: after the first failure it lies within
// initialSeconds and twice that. It is never longer than maxSeconds and never shorter than initialSeconds.
func doubling(attempts int, r api.Retry, jitter float64) time.Duration {
	initial, longest := time.Duration(r.InitialSeconds)*time.Second, time.Duration(r.MaxSeconds)*time.Second
	upper := initial
	for range max(attempts, 1) {
		upper *= 2
		if upper >= longest {
			upper = longest
			break
		}
	}
	lower := max(initial, upper/2)
	return lower + time.Duration(jitter*float64(upper-lower))
}

// asked is how much of a Retry-After is honoured.
func asked(retryAfter time.Duration, r api.Retry) time.Duration {
	if len(r.DelaysSeconds) > 0 {
		return min(retryAfter, longestAsked)
	}
	return min(retryAfter, time.Duration(r.MaxSeconds)*time.Second)
}

// unknownWait is how long what has no destination waits before it is looked up again: as long as it has waited, a minute at least and an hour at most.
func unknownWait(elapsed time.Duration, jitter float64) time.Duration {
	wait := min(max(elapsed, shortestUnknown), longestUnknown)
	return wait + time.Duration(jitter*stretch*float64(wait))
}

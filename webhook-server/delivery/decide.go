package delivery

import (
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// unknownRetry bounds the age of what has no destination to take a schedule from.
var unknownRetry = api.Retry{MaxAgeHours: 96}

// lastChance is how long before a notification is too old it is attempted when its destination asked for more time than that. It leaves time for what may hold
// it up then.
const lastChance = 5 * time.Minute

// terms are what decides about a claimed notification, beside the verdict.
type terms struct {
	retry api.Retry
	// from is when its age begins to count: its Since, or the end of a pause that it waited through.
	from time.Time
	// held is when what held it back last came to its end, a pause or a fault of the egress proxy; zero when nothing did. An attempt before that does
	// not count as its chance.
	held time.Time
	// down: its destination is taken to be down, or the egress proxy fails it and lets others pass.
	down bool
}

// maxAge is how old a notification may become.
func (t terms) maxAge() time.Duration { return time.Duration(t.retry.MaxAgeHours) * time.Hour }

// diesAt is when the notification is too old for another attempt.
func (t terms) diesAt() time.Time { return t.from.Add(t.maxAge()) }

// isExpired says whether a claimed notification is dead without another attempt. One that has had no chance, because the server was down for
// days or because something held it back, gets its one attempt however old it is, unless its destination has been down for as long as it
// might have waited.
func (t terms) isExpired(c store.Delivery, now time.Time) bool {
	if !now.After(t.diesAt()) {
		return false
	}
	if c.Attempts > 0 && !c.LastAttempt.Before(t.held) {
		return true
	}
	return t.down && now.After(t.held.Add(t.maxAge()))
}

// decide makes the outcome of an attempt that ended at that time, Proxy aside. Jitter is from [0, 1).
func decide(c store.Delivery, v Verdict, t terms, at time.Time, jitter float64) store.Outcome {
	o := store.Outcome{ID: c.ID, Lease: c.Lease, Reason: string(v.Reason), Status: v.Status, At: at}
	var wait time.Duration
	more := true
	switch v.Reason {
	case Delivered:
		o.State, o.Reason = store.Delivered, ""
		return o
	case Gone, Expired:
		o.State = store.Dead
		return o
	case UnknownDestination:
		wait, o.Uncounted = unknownWait(at.Sub(c.Since), jitter), true
	default:
		wait, more = backoff(c.Attempts+1, at.Sub(c.Since), t.retry, jitter)
	}
	next := wholeMillisecond(at.Add(wait))
	if asked := wholeMillisecond(at.Add(asked(v.RetryAfter, t.retry))); asked.After(next) && !next.After(t.diesAt()) {
		if asked.After(t.diesAt()) { // what is asked for lengthens the wait and ends nothing
			asked = wholeMillisecond(t.diesAt().Add(-lastChance))
		}
		next = later(next, asked)
	}
	if !more || next.After(t.diesAt()) {
		o.State, o.Uncounted = store.Dead, false // when it ended is kept as its last attempt
		return o
	}
	o.State, o.NextAttempt = store.Waiting, next
	return o
}

// putOff is the outcome of what did not reach its destination for a reason that is not the destination's.
func putOff(c store.Delivery, v Verdict, at, next time.Time) store.Outcome {
	return store.Outcome{
		ID: c.ID, Lease: c.Lease, State: store.Waiting, Reason: string(v.Reason), Status: v.Status,
		At: at, NextAttempt: wholeMillisecond(next), Uncounted: true,
	}
}

// wholeMillisecond rounds up to what the store keeps: an attempt is never made before its time.
func wholeMillisecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Millisecond); whole.Before(t) {
		return whole.Add(time.Millisecond)
	}
	return t
}

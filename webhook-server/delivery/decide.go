package delivery

import (
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// unknownRetry is the schedule while there is no destination to take one from.
var unknownRetry = api.Retry{MaxAgeHours: 72, InitialSeconds: 60, MaxSeconds: 3600}

// decide makes the outcome of an attempt that ended at that time. Attempts counts this one too.
func decide(d store.Delivery, v Verdict, r api.Retry, attempts int, at time.Time, jitter float64) store.Outcome {
	o := store.Outcome{ID: d.ID, Lease: d.Lease, At: at}
	switch v.Reason {
	case Delivered:
		o.State = store.Delivered
		return o
	case Gone, Expired:
		o.State, o.Reason = store.Dead, string(v.Reason)
		return o
	}
	o.Reason = string(v.Reason)
	asked := min(v.RetryAfter, time.Duration(r.MaxSeconds)*time.Second)
	next := at.Add(max(backoff(attempts, r, jitter), asked))
	if next.After(diesAt(d.Notification, r)) {
		o.State = store.Dead
		return o
	}
	o.State, o.NextAttempt = store.Waiting, next
	return o
}

// diesAt is when the notification is too old for another attempt.
func diesAt(n store.Notification, r api.Retry) time.Time {
	return n.ReceivedAt.Add(time.Duration(r.MaxAgeHours) * time.Hour)
}

// isExpired says whether a claimed notification is dead without another attempt. One that was never tried, for example because the
// server was down for days, gets its one attempt, unless its destination has been found dead meanwhile.
func isExpired(d store.Delivery, r api.Retry, circuitOpen bool, now time.Time) bool {
	return now.After(diesAt(d.Notification, r)) && (d.Attempts > 0 || circuitOpen)
}

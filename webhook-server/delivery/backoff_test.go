package delivery

import (
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestBackoffDoublesWithinItsBounds(t *testing.T) {
	const most = 1 - 1e-9 // jitter is below 1
	r := api.Retry{InitialSeconds: 2, MaxSeconds: 60}
	for _, c := range []struct {
		attempts    int
		lower, uppr time.Duration
	}{
		{0, 2 * time.Second, 4 * time.Second},
		{1, 2 * time.Second, 4 * time.Second},
		{2, 4 * time.Second, 8 * time.Second},
		{4, 16 * time.Second, 32 * time.Second},
		{5, 30 * time.Second, time.Minute},
		{6, 30 * time.Second, time.Minute},
		{1 << 40, 30 * time.Second, time.Minute},
	} {
		if got := backoff(c.attempts, r, 0); got != c.lower {
			t.Errorf("after %d attempts at least %s, want %s", c.attempts, got, c.lower)
		}
		if got := backoff(c.attempts, r, most); got >= c.uppr || got < c.uppr-time.Microsecond {
			t.Errorf("after %d attempts at most %s, want just below %s", c.attempts, got, c.uppr)
		}
	}
	fixed := api.Retry{InitialSeconds: 5, MaxSeconds: 5}
	if got := backoff(3, fixed, most); got != 5*time.Second {
		t.Errorf("equal bounds give %s", got)
	}
}

func TestDecide(t *testing.T) {
	received := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := api.Retry{MaxAgeHours: 1, InitialSeconds: 1, MaxSeconds: 600}
	for _, c := range []struct {
		name    string
		verdict Verdict
		age     time.Duration
		state   store.State
		reason  string
		wait    time.Duration
	}{
		{"2xx is delivered, without a reason", Verdict{Reason: Delivered}, 0, store.Delivered, "", 0},
		{"410 is dead at once", Verdict{Reason: Gone}, 0, store.Dead, "gone", 0},
		{"a failure waits", Verdict{Reason: ServerError}, 0, store.Waiting, "server_error", time.Second},
		{"400 waits too", Verdict{Reason: ClientError}, 0, store.Waiting, "client_error", time.Second},
		{"Retry-After lengthens the wait", Verdict{Reason: Throttled, RetryAfter: 90 * time.Second}, 0, store.Waiting, "throttled", 90 * time.Second},
		{"Retry-After never shortens it", Verdict{Reason: Throttled, RetryAfter: time.Millisecond}, 0, store.Waiting, "throttled", time.Second},
		{"Retry-After is bounded by maxSeconds", Verdict{Reason: Throttled, RetryAfter: 24 * time.Hour}, 0, store.Waiting, "throttled", 600 * time.Second},
		{"the last attempt just fits", Verdict{Reason: Timeout}, time.Hour - time.Second, store.Waiting, "timeout", time.Second},
		{"what would come too late is dead, with the reason of the last attempt", Verdict{Reason: Timeout}, time.Hour - time.Second + 1, store.Dead, "timeout", 0},
		{"Retry-After beyond the age is dead", Verdict{Reason: Throttled, RetryAfter: 600 * time.Second}, 55 * time.Minute, store.Dead, "throttled", 0},
		{"expired is dead", Verdict{Reason: Expired}, 2 * time.Hour, store.Dead, "expired", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := received.Add(c.age)
			d := store.Delivery{Notification: store.Notification{ID: "n", ReceivedAt: received}, Lease: 7}
			got := decide(d, c.verdict, r, 1, at, 0)
			want := store.Outcome{ID: "n", Lease: 7, State: c.state, Reason: c.reason, At: at}
			if c.wait > 0 {
				want.NextAttempt = at.Add(c.wait)
			}
			if got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestIsExpired(t *testing.T) {
	received := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		age      time.Duration
		attempts int
		open     bool
		want     bool
	}{
		{"young", time.Hour, 3, true, false},
		{"too old and tried before", time.Hour + 1, 1, false, true},
		{"too old and never tried gets its attempt", time.Hour + 1, 0, false, false},
		{"too old and never tried, but the destination is down", time.Hour + 1, 0, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := store.Delivery{Notification: store.Notification{ReceivedAt: received}, Attempts: c.attempts}
			if got := isExpired(d, api.Retry{MaxAgeHours: 1}, c.open, received.Add(c.age)); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

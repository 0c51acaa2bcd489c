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
		if got, more := backoff(c.attempts, 0, r, 0); got != c.lower || !more {
			t.Errorf("after %d attempts at least %s, want %s", c.attempts, got, c.lower)
		}
		if got, more := backoff(c.attempts, 0, r, most); got >= c.uppr || got < c.uppr-time.Microsecond || !more {
			t.Errorf("after %d attempts at most %s, want just below %s", c.attempts, got, c.uppr)
		}
	}
	fixed := api.Retry{InitialSeconds: 5, MaxSeconds: 5}
	if got, _ := backoff(3, 0, fixed, most); got != 5*time.Second {
		t.Errorf("equal bounds give %s", got)
	}
}

func TestBackoffFollowsAList(t *testing.T) {
	const most = 1 - 1e-9
	list := api.Retry{DelaysSeconds: []int{5, 300, 1800, 7200}}
	for _, c := range []struct {
		name     string
		attempts int
		elapsed  time.Duration
		want     time.Duration
		more     bool
	}{
		{"the first failure", 1, 0, 5 * time.Second, true},
		{"the second, as early as can be", 2, 5 * time.Second, 300 * time.Second, true},
		{"the second, much later", 2, 50 * time.Hour, 300 * time.Second, true},
		{"the last delay", 4, 2105 * time.Second, 7200 * time.Second, true},
		{"used up", 5, 9305 * time.Second, 0, false},
		{"used up long ago", 50, 1000 * time.Hour, 0, false},
		{"attempts ahead of the list cost none of it", 5, 9304 * time.Second, 7200 * time.Second, true},
		{"ten attempts within a minute", 10, time.Minute, 300 * time.Second, true},
		{"ten attempts within a second", 10, time.Second, 5 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, more := backoff(c.attempts, c.elapsed, list, 0)
			if got != c.want || more != c.more {
				t.Errorf("waits %s (%t), want %s (%t)", got, more, c.want, c.more)
			}
			longest, _ := backoff(c.attempts, c.elapsed, list, most)
			if upper := c.want + c.want/5; c.more && (longest >= upper || longest < upper-time.Millisecond) {
				t.Errorf("waits %s at most, want just below %s", longest, upper)
			}
		})
	}
}

func TestWhatHasNoDestinationIsLookedUpLessAndLess(t *testing.T) {
	for elapsed, want := range map[time.Duration]time.Duration{
		0: time.Minute, 30 * time.Second: time.Minute, 10 * time.Minute: 10 * time.Minute, 90 * time.Hour: time.Hour,
	} {
		if got := unknownWait(elapsed, 0); got != want {
			t.Errorf("after %s it waits %s, want %s", elapsed, got, want)
		}
	}
}

func TestDecide(t *testing.T) {
	received := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	doubling := api.Retry{MaxAgeHours: 1, InitialSeconds: 1, MaxSeconds: 600}
	list := api.Retry{MaxAgeHours: 96, DelaysSeconds: []int{5, 300}}
	for _, c := range []struct {
		name     string
		retry    api.Retry
		attempts int // before this one
		verdict  Verdict
		age      time.Duration
		state    store.State
		reason   string
		wait     time.Duration
	}{
		{"2xx is delivered, without a reason", doubling, 0, Verdict{Reason: Delivered, Status: 204}, 0, store.Delivered, "", 0},
		{"410 is dead at once", doubling, 0, Verdict{Reason: Gone, Status: 410}, 0, store.Dead, "gone", 0},
		{"a failure waits", doubling, 0, Verdict{Reason: ServerError, Status: 500}, 0, store.Waiting, "server_error", time.Second},
		{"400 waits too", doubling, 0, Verdict{Reason: ClientError, Status: 400}, 0, store.Waiting, "client_error", time.Second},
		{"a token endpoint that cannot be reached is a failure", doubling, 0, Verdict{Reason: TokenUnavailable}, 0, store.Waiting, "token_unavailable", time.Second},
		{"Retry-After lengthens the wait", doubling, 0, Verdict{Reason: Throttled, RetryAfter: 90 * time.Second}, 0, store.Waiting, "throttled", 90 * time.Second},
		{"Retry-After never shortens it", doubling, 0, Verdict{Reason: Throttled, RetryAfter: time.Millisecond}, 0, store.Waiting, "throttled", time.Second},
		{"Retry-After is bounded by maxSeconds", doubling, 0, Verdict{Reason: Throttled, RetryAfter: 24 * time.Hour}, 0, store.Waiting, "throttled", 600 * time.Second},
		{"the last attempt just fits", doubling, 0, Verdict{Reason: Timeout}, time.Hour - time.Second, store.Waiting, "timeout", time.Second},
		{"what would come too late is dead, with the reason of the last attempt", doubling, 0, Verdict{Reason: Timeout}, time.Hour - time.Second + 1, store.Dead, "timeout", 0},
		{"Retry-After up to the age is honoured", doubling, 0, Verdict{Reason: Throttled, RetryAfter: 600 * time.Second}, 50 * time.Minute, store.Waiting, "throttled", 600 * time.Second},
		{"Retry-After beyond the age leaves a last chance", doubling, 0, Verdict{Reason: Throttled, RetryAfter: 600 * time.Second}, 52 * time.Minute, store.Waiting, "throttled", 3 * time.Minute},
		{"and the schedule's attempts when that is near", doubling, 0, Verdict{Reason: Throttled, RetryAfter: 600 * time.Second}, 56 * time.Minute, store.Waiting, "throttled", time.Second},
		{"Retry-After beyond the age of a day, with a list", api.Retry{MaxAgeHours: 20, DelaysSeconds: []int{5, 300}}, 0, Verdict{Reason: ServerError, RetryAfter: 24 * time.Hour}, 0, store.Waiting, "server_error", 20*time.Hour - 5*time.Minute},
		{"expired is dead", doubling, 0, Verdict{Reason: Expired}, 2 * time.Hour, store.Dead, "expired", 0},
		{"the list's first delay", list, 0, Verdict{Reason: Timeout}, 0, store.Waiting, "timeout", 5 * time.Second},
		{"the list's last delay", list, 1, Verdict{Reason: Timeout}, time.Minute, store.Waiting, "timeout", 300 * time.Second},
		{"the list is used up", list, 2, Verdict{Reason: Timeout}, time.Hour, store.Dead, "timeout", 0},
		{"with a list Retry-After is honoured for hours", list, 0, Verdict{Reason: Throttled, RetryAfter: 5 * time.Hour}, 0, store.Waiting, "throttled", 5 * time.Hour},
		{"and up to a day", list, 0, Verdict{Reason: Throttled, RetryAfter: 48 * time.Hour}, 0, store.Waiting, "throttled", 24 * time.Hour},
		{"Retry-After does not shorten the list's delay", list, 1, Verdict{Reason: ServerError, RetryAfter: time.Second}, time.Minute, store.Waiting, "server_error", 300 * time.Second},
		{"Retry-After does not make the list longer", list, 2, Verdict{Reason: Throttled, RetryAfter: time.Hour}, time.Hour, store.Dead, "throttled", 0},
		{"no destination", unknownRetry, 0, Verdict{Reason: UnknownDestination}, 10 * time.Minute, store.Waiting, "unknown_destination", 10 * time.Minute},
		{"no destination for four days", unknownRetry, 0, Verdict{Reason: UnknownDestination}, 96 * time.Hour, store.Dead, "unknown_destination", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := received.Add(c.age)
			d := store.Delivery{Notification: store.Notification{ID: "n", ReceivedAt: received}, Attempts: c.attempts, Since: received, Lease: 7}
			got := decide(d, c.verdict, terms{retry: c.retry, from: received}, at, 0)
			want := store.Outcome{ID: "n", Lease: 7, State: c.state, Reason: c.reason, Status: c.verdict.Status, At: at}
			if c.wait > 0 {
				want.NextAttempt = at.Add(c.wait)
				want.Uncounted = c.verdict.Reason == UnknownDestination
			}
			if got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestAnAttemptIsNeverMadeBeforeItsTimeByRounding(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 1, time.UTC)
	d := store.Delivery{Since: at}
	got := decide(d, Verdict{Reason: Timeout}, terms{retry: api.Retry{MaxAgeHours: 1, DelaysSeconds: []int{5}}, from: at}, at, 0)
	if want := at.Truncate(time.Second).Add(5*time.Second + time.Millisecond); !got.NextAttempt.Equal(want) {
		t.Errorf("due at %s, want the next whole millisecond, %s", got.NextAttempt, want)
	}
}

func TestThePlaceInTheListCountsFromTheLastReplay(t *testing.T) {
	replayed := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d := store.Delivery{Notification: store.Notification{ReceivedAt: replayed.Add(-90 * time.Hour)}, Since: replayed, Attempts: 4}
	in := terms{retry: api.Retry{MaxAgeHours: 96, DelaysSeconds: []int{5, 300}}, from: replayed}
	at := replayed.Add(10 * time.Second)
	if got := decide(d, Verdict{Reason: Timeout}, in, at, 0); got.State != store.Waiting || !got.NextAttempt.Equal(at.Add(300*time.Second)) {
		t.Errorf("%+v", got)
	}
}

func TestIsExpired(t *testing.T) {
	received := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	after := received.Add
	for _, c := range []struct {
		name        string
		now         time.Duration
		attempts    int
		lastAttempt time.Duration
		// paused is when a pause ended that it waited through, blocked when the egress proxy let go; 0 when there was none.
		paused, blocked time.Duration
		down            bool
		want            bool
	}{
		{name: "young", now: time.Hour, attempts: 3, lastAttempt: time.Minute, down: true},
		{name: "too old and tried before", now: time.Hour + 1, attempts: 1, lastAttempt: time.Minute, want: true},
		{name: "too old and never tried gets its attempt", now: time.Hour + 1},
		{name: "too old and never tried, but the destination is down", now: time.Hour + 1, down: true, want: true},
		{name: "a pause that it waited through begins its age anew", now: 90 * time.Hour, attempts: 3, lastAttempt: time.Minute, paused: 89*time.Hour + 1},
		{name: "that is over, and it was not tried since", now: 90 * time.Hour, attempts: 3, lastAttempt: time.Minute, paused: 80 * time.Hour},
		{name: "that is over, and it was tried since", now: 90 * time.Hour, attempts: 4, lastAttempt: 80 * time.Hour, paused: 80 * time.Hour, want: true},
		{name: "a pause after which the destination was down all the time", now: 90 * time.Hour, attempts: 3, lastAttempt: time.Minute, paused: 80 * time.Hour, down: true, want: true},
		{name: "a pause after which the destination has been down for less", now: 90 * time.Hour, attempts: 3, lastAttempt: time.Minute, paused: 89*time.Hour + 1, down: true},
		{name: "the proxy has just let go", now: 90 * time.Hour, attempts: 3, lastAttempt: time.Minute, blocked: 80 * time.Hour},
		{name: "the proxy let go and the destination was down since", now: 90 * time.Hour, attempts: 3, lastAttempt: time.Minute, blocked: 80 * time.Hour, down: true, want: true},
		{name: "the proxy holds it still", now: 90 * time.Hour, attempts: 3, lastAttempt: time.Minute, blocked: 90 * time.Hour, down: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := store.Delivery{Attempts: c.attempts, Since: received}
			if c.attempts > 0 {
				d.LastAttempt = after(c.lastAttempt)
			}
			in := terms{retry: api.Retry{MaxAgeHours: 1}, from: after(c.paused), held: after(max(c.paused, c.blocked)), down: c.down}
			if got := in.isExpired(d, after(c.now)); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

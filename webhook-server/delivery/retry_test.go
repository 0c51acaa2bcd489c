package delivery_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// one is a world with one merchant that has its own destination.
func one(t *testing.T) (w *world, merchant string, s store.Store) {
	t.Helper()
	merchant = merchantID(1)
	w = newWorld(t)
	w.merchant(merchant, destination("https://merchant.example"))
	w.apply()
	return w, merchant, openStore(t)
}

func always(v delivery.Verdict) func(context.Context, store.Notification) delivery.Verdict {
	return func(context.Context, store.Notification) delivery.Verdict { return v }
}

func TestRetriesFollowTheScheduleUntilTheNotificationIsTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		d := destination("https://merchant.example")
		d.Retry.MaxAgeHours, d.Retry.MaxSeconds = 1, 600
		w.merchant(merchant, d)
		w.apply()
		appendAll(t, s, notification("n", merchant))
		a := newAttempter(always(silent))
		received := time.Now()
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Jitter: func() float64 { return 0 }})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		attempts := a.of(merchant)
		for i := range attempts[1:] {
			gap := attempts[i+1].at.Sub(attempts[i].at)
			want := min(time.Second<<i, 300*time.Second)       // without jitter the lower bound, half of maxSeconds
			if gap < want || gap > want+200*time.Millisecond { // the scheduler's grain is 100 ms
				t.Errorf("attempt %d came %s after the one before, want %s", i+2, gap, want)
			}
		}
		got := record(t, s, "n")
		if got.State != store.Dead || got.LastReason != string(delivery.Timeout) || got.Attempts != len(attempts) {
			t.Errorf("after two hours: %+v", got)
		}
		if last := attempts[len(attempts)-1].at.Sub(received); last > time.Hour {
			t.Errorf("the last attempt came after %s", last)
		}
	})
}

func TestRetryAfterHoldsTheNotificationAndItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		first := true
		a := newAttempter(nil)
		a.answer = func(context.Context, store.Notification) delivery.Verdict {
			a.mu.Lock()
			defer a.mu.Unlock()
			if first {
				first = false
				return delivery.Verdict{Reason: delivery.Throttled, Status: 429, RetryAfter: 30 * time.Second}
			}
			return delivered
		}
		appendAll(t, s, notification("n-1", merchant))
		began := time.Now()
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(time.Second)
		appendAll(t, s, notification("n-2", merchant))
		d.Wake(laneOf(merchant))
		time.Sleep(time.Minute)
		synctest.Wait()
		attempts := a.of(merchant)
		if len(attempts) != 3 {
			t.Fatalf("%d attempts, want 3: %v", len(attempts), attempts)
		}
		for _, x := range attempts[1:] {
			if wait := x.at.Sub(began); wait < 30*time.Second || wait > 31*time.Second {
				t.Errorf("%s was sent after %s", x.id, wait)
			}
		}
	})
}

func TestGoneEndsOneNotificationAndSaysNothingOfTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		var all []store.Notification
		for i := range 20 {
			all = append(all, notification(fmt.Sprintf("n-%d", i), merchant))
		}
		appendAll(t, s, all...)
		a := newAttempter(always(delivery.Verdict{Reason: delivery.Gone, Status: 410}))
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(time.Second)
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Dead || got.LastReason != "gone" || got.Attempts != 1 {
				t.Fatalf("%+v", got)
			}
		}
		for _, l := range d.Lanes() {
			if l.Open {
				t.Error("the circuit is open")
			}
		}
	})
}

func TestAnUnknownDestinationWaitsAndIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		gone := merchantID(7)
		appendAll(t, s, notification("back", gone), notification("never", merchantID(8)))
		a := newAttempter(always(delivered))
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := record(t, s, "back"); got.State != store.Waiting || got.LastReason != "unknown_destination" {
			t.Fatalf("%+v", got)
		}
		w.merchant(gone, destination("https://back.example"))
		w.apply()
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if got := record(t, s, "back"); got.State != store.Delivered {
			t.Errorf("%+v", got)
		}
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		if got := record(t, s, "never"); got.State != store.Dead || got.LastReason != "unknown_destination" {
			t.Errorf("%+v", got)
		}
		if n := len(a.of(merchant)) + len(a.of(merchantID(8))); n != 0 {
			t.Errorf("%d attempts elsewhere", n)
		}
	})
}

func TestWhatWaitsForAGatewayDoesNotGoToAnotherResourceThatHasItsIDLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		mine := notification("mine", merchant)
		formers := notification("formers", merchant)
		formers.Lane = "other/former/" + gatewayID + "/" + merchant
		appendAll(t, s, mine, formers)
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered))})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := record(t, s, "mine"); got.State != store.Delivered {
			t.Errorf("%+v", got)
		}
		if got := record(t, s, "formers"); got.State != store.Waiting || got.LastReason != "unknown_destination" {
			t.Errorf("%+v", got)
		}
	})
}

// A load balancer says Retry-After: 7200 on its first 503; maxAgeHours is 1.
func TestARetryAfterBeyondTheAgeEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		d := destination("https://merchant.example")
		d.Retry.MaxAgeHours, d.Retry.MaxSeconds = 1, 86400
		w.merchant(merchant, d)
		w.apply()
		appendAll(t, s, notification("n", merchant))
		backend := &switched{v: delivery.Verdict{Reason: delivery.ServerError, Status: 503, RetryAfter: 2 * time.Hour}}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(backend.answer)})
		time.Sleep(50 * time.Minute)
		backend.set(delivered)
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if got := record(t, s, "n"); got.State != store.Delivered || got.Attempts != 2 {
			t.Errorf("%+v", got)
		}
	})
}

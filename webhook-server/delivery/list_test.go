package delivery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestRetriesFollowTheListUntilItIsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		d := destination("https://merchant.example")
		d.Retry = api.Retry{MaxAgeHours: 96, DelaysSeconds: []int{5, 300, 1800}}
		w.merchant(merchant, d)
		w.apply()
		appendAll(t, s, notification("n", merchant))
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, time.Second, silent)
		})
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Jitter: func() float64 { return 0.5 }})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		attempts := a.of(merchant)
		if len(attempts) != 4 {
			t.Fatalf("%d attempts, want 4", len(attempts))
		}
		for i, delay := range []time.Duration{5500 * time.Millisecond, 330 * time.Second, 1980 * time.Second} {
			gap := attempts[i+1].at.Sub(attempts[i].at) - time.Second
			if gap < delay || gap > delay+1100*time.Millisecond {
				t.Errorf("attempt %d came %s after the one before had ended, want %s", i+2, gap, delay)
			}
		}
		got := record(t, s, "n")
		if got.State != store.Dead || got.LastReason != "timeout" || got.Attempts != 4 || len(got.History) != 4 || got.History[0].Took != time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestAReplayedNotificationHasTheWholeScheduleAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		d := destination("https://merchant.example")
		d.Retry = api.Retry{MaxAgeHours: 1, DelaysSeconds: []int{5, 300, 1800}}
		w.merchant(merchant, d)
		w.apply()
		appendAll(t, s, notification("n", merchant))
		a := newAttempter(always(failing))
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Jitter: func() float64 { return 0 }})
		for round := range 2 {
			time.Sleep(2 * time.Hour)
			synctest.Wait()
			if got := record(t, s, "n"); got.State != store.Dead || got.Attempts != 4 || len(got.History) != 4*(round+1) {
				t.Fatalf("%+v", got)
			}
			attempts := a.of(merchant)[4*round:]
			for i, delay := range []time.Duration{5 * time.Second, 300 * time.Second, 1800 * time.Second} {
				if gap := attempts[i+1].at.Sub(attempts[i].at); gap < delay || gap > delay+1100*time.Millisecond {
					t.Errorf("round %d: attempt %d came after %s, want %s", round, i+2, gap, delay)
				}
			}
			if n, err := s.Replay(t.Context(), store.Filter{State: store.Dead}, time.Now(), 10); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
	})
}

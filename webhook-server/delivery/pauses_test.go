package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// pause pauses a lane, or a whole gateway, as another replica would.
func pause(t *testing.T, s store.Store, lane string, wholeGateway bool) {
	t.Helper()
	p := store.Pause{Lane: lane, WholeGateway: wholeGateway, Since: time.Now(), By: "someone"}
	if err := s.Pause(context.Background(), p); err != nil {
		t.Fatal(err)
	}
}

func resume(t *testing.T, s store.Store, lane string, wholeGateway bool) {
	t.Helper()
	if err := s.Resume(context.Background(), lane, wholeGateway, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsPausedIsKeptUntilItIsResumed(t *testing.T) {
	for name, c := range map[string]struct {
		lane         string
		wholeGateway bool
		// others says that the gateway's other lanes are paused as well.
		others bool
	}{
		"a lane":                             {lane: laneOf(merchantID(1))},
		"a gateway":                          {lane: defaultLane, wholeGateway: true, others: true},
		"another lane":                       {lane: laneOf(merchantID(3))},
		"another gateway":                    {lane: "payments/acme/MGW_000002", wholeGateway: true},
		"the gateway's own lane, not others": {lane: defaultLane},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, merchant, s := one(t)
				other := merchantID(2)
				w.merchant(other, destination("https://other.example"))
				w.apply()
				pause(t, s, c.lane, c.wholeGateway)
				appendAll(t, s, notification("mine", merchant), notification("others", other))
				seen := &observer{}
				start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), Observer: seen, FollowInterval: time.Second})
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				paused := c.lane == laneOf(merchant) || c.others
				for id, held := range map[string]bool{"mine": paused, "others": c.others} {
					if got := record(t, s, id); (got.State == store.Waiting) != held {
						t.Errorf("%s is %s", id, got.State)
					}
				}
				resume(t, s, c.lane, c.wholeGateway)
				time.Sleep(time.Second)
				synctest.Wait()
				for _, id := range []string{"mine", "others"} {
					if got := record(t, s, id); got.State != store.Delivered || got.Attempts != 1 {
						t.Errorf("a second after it was resumed %s is %s", id, got.State)
					}
				}
				what := fmt.Sprint(c.lane, " ", c.wholeGateway)
				if got := seen.pauses(); got != what+" true, "+what+" false" {
					t.Errorf("observed %s", got)
				}
			})
		})
	}
}

func TestAPauseHoldsAtOnceWhereItWasAskedForAndInASecondElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, 300*time.Millisecond, delivered)
		})
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, FollowInterval: time.Second})
		time.Sleep(100 * time.Millisecond)
		send := func(id string) {
			appendAll(t, s, notification(id, merchant))
			d.Wake(laneOf(merchant))
			synctest.Wait()
		}
		send("under-way")
		pause(t, s, laneOf(merchant), false)
		if err := d.RefreshPauses(t.Context()); err != nil {
			t.Fatal(err)
		}
		send("held")
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if got := record(t, s, "under-way"); got.State != store.Delivered {
			t.Errorf("what was under way is %s", got.State)
		}
		if n := len(a.of(merchant)); n != 1 {
			t.Errorf("%d attempts", n)
		}
		resume(t, s, laneOf(merchant), false)
		if err := d.RefreshPauses(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(a.of(merchant)); n != 2 {
			t.Errorf("%d attempts have begun when it is resumed, want 2", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()

		pause(t, s, laneOf(merchant), false) // by another replica
		time.Sleep(time.Second)
		send("held elsewhere")
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := record(t, s, "held elsewhere"); got.State != store.Waiting || got.Attempts != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhenPausesCannotBeReadWhatWasKnownLastHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		other := merchantID(2)
		w.merchant(other, destination("https://other.example"))
		w.apply()
		s := &faulty{Store: inner}
		s.set("pauses", errors.New("disk on fire"))
		pause(t, s, laneOf(merchant), false)
		appendAll(t, s, notification("paused", merchant), notification("other", other))
		seen := &observer{}
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), Observer: seen, FollowInterval: time.Second})
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, id := range []string{"paused", "other"} {
			if got := record(t, s, id); got.State != store.Waiting {
				t.Errorf("%s is %s before anything was known of pauses", id, got.State)
			}
		}
		s.set("pauses", nil)
		time.Sleep(time.Second)
		synctest.Wait()
		s.set("pauses", errors.New("disk on fire"))
		if err := d.RefreshPauses(t.Context()); err == nil {
			t.Error("nobody is told that the pauses could not be read")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for id, want := range map[string]store.State{"paused": store.Waiting, "other": store.Delivered} {
			if got := record(t, s, id); got.State != want {
				t.Errorf("%s is %s, want %s", id, got.State, want)
			}
		}
		if got := seen.failures(); len(got) < 100 || got[0] != "pauses" {
			t.Errorf("%d failures", len(got))
		}
	})
}

// What waited through a pause for longer than maxAgeHours had no chance, so its age begins anew.
func TestWhatWaitedThroughALongPauseHasItsChanceAfterIt(t *testing.T) {
	for name, c := range map[string]struct {
		// afterwards is what the destination does after the pause, and before whether there was an attempt before it.
		afterwards func(int) delivery.Verdict
		before     bool
		want       store.State
		reason     string
		within     time.Duration
	}{
		"never tried, and accepted":  {afterwards: func(int) delivery.Verdict { return delivered }, want: store.Delivered, within: 2 * time.Minute},
		"tried before, and accepted": {afterwards: func(int) delivery.Verdict { return delivered }, before: true, want: store.Delivered, within: 2 * time.Minute},
		"refused once, and accepted": {afterwards: func(i int) delivery.Verdict {
			return map[bool]delivery.Verdict{true: failing, false: delivered}[i == 0]
		}, before: true, want: store.Delivered, within: time.Hour},
		"refused until it is too old":     {afterwards: func(int) delivery.Verdict { return failing }, before: true, want: store.Dead, reason: "server_error", within: 2 * time.Hour},
		"refused, and never tried before": {afterwards: func(int) delivery.Verdict { return failing }, want: store.Dead, reason: "server_error", within: 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, merchant, s := one(t)
				d := destination("https://merchant.example")
				d.Retry.MaxAgeHours = 1
				w.merchant(merchant, d)
				w.apply()
				a := newAttempter(always(failing))
				appendAll(t, s, notification("n", merchant))
				if !c.before {
					pause(t, s, defaultLane, true)
				}
				start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
				time.Sleep(time.Minute)
				if c.before {
					pause(t, s, defaultLane, true)
				}
				time.Sleep(6 * time.Hour)
				synctest.Wait()
				earlier := len(a.of(merchant))
				if (earlier > 0) != c.before || record(t, s, "n").State != store.Waiting {
					t.Fatalf("after %d attempts before the pause: %+v", earlier, record(t, s, "n"))
				}
				a.mu.Lock()
				a.answer = func(context.Context, store.Notification) delivery.Verdict {
					return c.afterwards(len(a.of(merchant)) - earlier - 1)
				}
				a.mu.Unlock()
				resume(t, s, defaultLane, true)
				time.Sleep(c.within)
				synctest.Wait()
				if got := record(t, s, "n"); got.State != c.want || got.LastReason != c.reason || got.Attempts <= earlier {
					t.Errorf("%+v, after %d attempts before the pause", got, earlier)
				}
			})
		})
	}
}

func TestADestinationThatIsDownForLongAfterAPauseEndsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		d := destination("https://merchant.example")
		d.Retry.MaxAgeHours = 1
		w.merchant(merchant, d)
		w.apply()
		all := waiting(t, s, merchant, 600)
		pause(t, s, laneOf(merchant), false)
		a := newAttempter(always(silent))
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(5 * time.Hour)
		resume(t, s, laneOf(merchant), false)
		time.Sleep(50 * time.Minute)
		synctest.Wait()
		dead := 0
		for _, n := range all {
			if record(t, s, n.ID).State == store.Dead {
				dead++
			}
		}
		if dead > 0 {
			t.Errorf("%d are dead less than maxAgeHours after the pause", dead)
		}
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Dead {
				t.Fatalf("%+v", got)
			}
		}
		if n := len(a.of(merchant)); n > 600 {
			t.Errorf("%d attempts", n)
		}
	})
}

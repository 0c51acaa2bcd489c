package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// standardWebhooks is the default schedule.
var standardWebhooks = api.Retry{MaxAgeHours: 96, DelaysSeconds: []int{5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400}}

// listed is a world whose one merchant has the default schedule.
func listed(t *testing.T) (w *world, merchant string, s store.Store) {
	t.Helper()
	w, merchant, s = one(t)
	d := destination("https://merchant.example")
	d.Retry = standardWebhooks
	w.merchant(merchant, d)
	w.apply()
	return w, merchant, s
}

// switched is a destination whose verdict a test changes.
type switched struct {
	mu sync.Mutex
	v  delivery.Verdict
}

func (d *switched) set(v delivery.Verdict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.v = v
}

func (d *switched) answer(ctx context.Context, _ store.Notification) delivery.Verdict {
	d.mu.Lock()
	v := d.v
	d.mu.Unlock()
	return after(ctx, 20*time.Millisecond, v)
}

// After an hour's outage what has been tried would wait for hours more by its schedule.
func TestWhatFailedWhileADestinationWasDownIsDueWhenItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := listed(t)
		all := waiting(t, s, merchant, 700)
		backend := &switched{v: failing}
		a := newAttempter(backend.answer)
		seen := &observer{}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Observer: seen})
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		before := len(a.of(merchant))
		backend.set(delivered)
		time.Sleep(longestProbe + 5*time.Second)
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Delivered {
				t.Fatalf("%+v", got)
			}
		}
		if n := len(a.of(merchant)) - before; n > 710 {
			t.Errorf("%d attempts to drain 700", n)
		}
		if most := a.mostOf(merchant); most != 10 {
			t.Errorf("%d attempts were under way at once, want maxInFlight", most)
		}
		if got := seen.circuits(); got != "open closed " {
			t.Errorf("circuit: %s", got)
		}
	})
}

func TestWhatADestinationAskedToSlowDownForIsNotBroughtForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := listed(t)
		throttled := delivery.Verdict{Reason: delivery.Throttled, Status: 429, RetryAfter: 6 * time.Hour}
		backend := &switched{v: throttled}
		a := newAttempter(backend.answer)
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		all := waiting(t, s, merchant, 8)
		d.Wake(laneOf(merchant))
		time.Sleep(time.Second)
		backend.set(failing)
		others := []store.Notification{notification("o-1", merchant), notification("o-2", merchant)}
		appendAll(t, s, others...)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if lanes := d.Lanes(); len(lanes) != 1 || !lanes[0].Open {
			t.Fatalf("lanes: %+v", lanes)
		}
		backend.set(delivered)
		appendAll(t, s, notification("new", merchant))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		for _, n := range others {
			if got := record(t, s, n.ID); got.State != store.Delivered {
				t.Errorf("%+v", got)
			}
		}
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Waiting || got.Attempts != 1 {
				t.Fatalf("%+v", got)
			}
		}
		time.Sleep(7*time.Hour + 30*time.Minute)
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Delivered {
				t.Fatalf("%+v", got)
			}
		}
	})
}

// A destination that comes and goes closes its circuit again and again: the schedule of days must not be used up by that.
func TestADestinationThatComesAndGoesDoesNotUseUpTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := listed(t)
		backend := &switched{v: failing}
		refused := func(ctx context.Context, n store.Notification) delivery.Verdict {
			if n.ID == "n-0" { // is never accepted
				return after(ctx, 20*time.Millisecond, failing)
			}
			return backend.answer(ctx, n)
		}
		a := newAttempter(refused)
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Jitter: func() float64 { return 0 }})
		for i := range 15 {
			for k := range 8 {
				appendAll(t, s, notification(fmt.Sprintf("n-%d", 8*i+k), merchant))
				d.Wake(laneOf(merchant))
				time.Sleep(5 * time.Second)
			}
			time.Sleep(2 * time.Minute)
			if lanes := d.Lanes(); len(lanes) != 1 || !lanes[0].Open {
				t.Fatalf("lanes: %+v", lanes)
			}
			backend.set(delivered)
			appendAll(t, s, notification(fmt.Sprintf("good-%d", i), merchant))
			d.Wake(laneOf(merchant))
			time.Sleep(2 * time.Minute)
			backend.set(failing)
		}
		synctest.Wait()
		got := record(t, s, "n-0")
		if got.State != store.Waiting || got.Attempts <= len(standardWebhooks.DelaysSeconds)+1 {
			t.Fatalf("after hours of coming and going: %+v", got)
		}
		time.Sleep(70 * time.Hour)
		synctest.Wait()
		if got = record(t, s, "n-0"); got.State != store.Waiting {
			t.Errorf("before the list's time is over: %+v", got)
		}
		time.Sleep(30 * time.Hour)
		synctest.Wait()
		if got = record(t, s, "n-0"); got.State != store.Dead {
			t.Errorf("after it: %+v", got)
		}
	})
}

func TestBringingForwardGoesOnWhenTheStoreFailsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := listed(t)
		s := &faulty{Store: inner}
		all := waiting(t, s, merchant, 50)
		backend := &switched{v: failing}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(backend.answer)})
		time.Sleep(7 * time.Minute)
		s.set("replay", errors.New("disk on fire"))
		backend.set(delivered)
		time.Sleep(35 * time.Minute) // until something is due by its schedule
		synctest.Wait()
		if n := s.count("replay"); n < 2 || n > 600 {
			t.Errorf("%d calls", n)
		}
		s.set("replay", nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Delivered {
				t.Fatalf("%+v", got)
			}
		}
	})
}

func TestAChangedDestinationGetsWhatFailedAtTheOldOneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := listed(t)
		all := waiting(t, s, merchant, 20)
		a := newAttempter(always(delivery.Verdict{Reason: delivery.DNS}))
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(65 * time.Minute)
		synctest.Wait()
		a.mu.Lock()
		a.answer = always(delivered)
		a.mu.Unlock()
		moved := destination("https://moved.example")
		moved.Retry = standardWebhooks
		w.merchant(merchant, moved)
		w.apply()
		appendAll(t, s, notification("new", merchant))
		time.Sleep(longestProbe + 10*time.Second)
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Delivered {
				t.Fatalf("%+v", got)
			}
		}
	})
}

package delivery_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// faulty is a store whose calls fail while the test says so.
type faulty struct {
	store.Store
	mu    sync.Mutex
	fails map[string]error
	calls map[string]int
	// claimed, when set, is called between a claim and its return.
	claimed func()
	// replaying, when set, is asked before each replay.
	replaying func(store.Filter) error
}

func (f *faulty) set(operation string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails == nil {
		f.fails = map[string]error{}
	}
	f.fails[operation] = err
}

func (f *faulty) get(operation string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[operation]++
	return f.fails[operation]
}

// count is how often the operation has been called.
func (f *faulty) count(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[operation]
}

func (f *faulty) Pauses(ctx context.Context) ([]store.Pause, error) {
	if err := f.get("pauses"); err != nil {
		return nil, err
	}
	return f.Store.Pauses(ctx)
}

func (f *faulty) Lanes(ctx context.Context) ([]store.LaneStats, error) {
	if err := f.get("lanes"); err != nil {
		return nil, err
	}
	return f.Store.Lanes(ctx)
}

func (f *faulty) Replay(ctx context.Context, filter store.Filter, at time.Time, limit int) (int, error) {
	if err := f.get("replay"); err != nil {
		return 0, err
	}
	if f.replaying != nil {
		if err := f.replaying(filter); err != nil {
			return 0, err
		}
	}
	return f.Store.Replay(ctx, filter, at, limit)
}

func (f *faulty) Claim(ctx context.Context, lane string, now time.Time, limit int, lease time.Duration) ([]store.Delivery, error) {
	if err := f.get("claim"); err != nil {
		return nil, err
	}
	claimed, err := f.Store.Claim(ctx, lane, now, limit, lease)
	if f.claimed != nil {
		f.claimed()
	}
	return claimed, err
}

func (f *faulty) Record(ctx context.Context, o store.Outcome) error {
	if err := f.get("record"); err != nil {
		return err
	}
	return f.Store.Record(ctx, o)
}

func (f *faulty) Check(ctx context.Context) error {
	if err := f.get("check"); err != nil {
		return err
	}
	return f.Store.Check(ctx)
}

func (f *faulty) Release(ctx context.Context, id string, lease int64) error {
	if err := f.get("record"); err != nil {
		return err
	}
	return f.Store.Release(ctx, id, lease)
}

func (f *faulty) DueLanes(ctx context.Context, now time.Time) ([]string, error) {
	if err := f.get("due_lanes"); err != nil {
		return nil, err
	}
	return f.Store.DueLanes(ctx, now)
}

func TestAStoreThatFailsForAWhileDelaysAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		s := &faulty{Store: inner}
		down := errors.New("disk on fire")
		s.set("claim", down)
		s.set("due_lanes", down)
		appendAll(t, s, notification("n-1", merchant))
		a := newAttempter(always(delivered))
		seen := &observer{}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Observer: seen})
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(seen.failures()); n == 0 || n > 60 {
			t.Errorf("%d calls failed in a minute, want some and no hot loop", n)
		}
		s.set("due_lanes", nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(seen.failures()); n > 80 {
			t.Errorf("%d calls failed in two minutes", n)
		}
		s.set("claim", nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := record(t, s, "n-1"); got.State != store.Delivered {
			t.Errorf("%+v", got)
		}
	})
}

func TestAnOutcomeThatCannotBeRecordedIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		s := &faulty{Store: inner}
		s.set("record", errors.New("disk on fire"))
		appendAll(t, s, notification("n", merchant))
		a := newAttempter(always(delivered))
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(39 * time.Second)
		synctest.Wait()
		if n := len(a.of(merchant)); n != 1 {
			t.Errorf("%d attempts within the lease", n)
		}
		s.set("record", nil)
		time.Sleep(3 * time.Second) // the lease ends
		synctest.Wait()
		if got := record(t, s, "n"); got.State != store.Delivered || len(a.of(merchant)) != 2 {
			t.Errorf("%+v after %d attempts", got, len(a.of(merchant)))
		}
	})
}

func TestAShortFailureOfRecordingCostsNoSecondAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		s := &faulty{Store: inner}
		s.set("record", errors.New("busy"))
		appendAll(t, s, notification("n", merchant))
		a := newAttempter(always(delivered))
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(time.Second)
		s.set("record", nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := record(t, s, "n"); got.State != store.Delivered || got.Attempts != 1 || len(a.of(merchant)) != 1 {
			t.Errorf("%+v after %d attempts", got, len(a.of(merchant)))
		}
	})
}

func TestALostLeaseIsReportedAndNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		s := &faulty{Store: inner}
		s.set("record", store.ErrLeaseLost)
		appendAll(t, s, notification("n", merchant))
		seen := &observer{}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), Observer: seen})
		time.Sleep(time.Second)
		synctest.Wait()
		if seen.lost != 1 || len(seen.attempts) != 0 || len(seen.failures()) != 0 {
			t.Errorf("lost %d, reported %d, failed %v", seen.lost, len(seen.attempts), seen.failures())
		}
		if got := record(t, s, "n"); got.State != store.Waiting {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatArrivesBetweenAClaimAndItsReturnIsNotOverlooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		s := &faulty{Store: inner}
		d := delivery.New(delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), Logger: discard()})
		var once sync.Once
		s.claimed = func() {
			once.Do(func() {
				appendAll(t, inner, notification("n-2", merchant))
				d.Wake(laneOf(merchant))
			})
		}
		d.Start()
		synctest.Wait()
		appendAll(t, inner, notification("n-1", merchant))
		d.Wake(laneOf(merchant))
		time.Sleep(time.Millisecond) // far less than the time to the next look at all lanes
		synctest.Wait()
		for _, id := range []string{"n-1", "n-2"} {
			if got := record(t, s, id); got.State != store.Delivered {
				t.Errorf("%+v", got)
			}
		}
		if err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

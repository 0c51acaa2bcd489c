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

func TestStopWaitsForWhatIsUnderWayAndClaimsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		appendAll(t, s, notification("under-way", merchant))
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, 5*time.Second, delivered)
		})
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(time.Second)
		stopping, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped := make(chan error)
		go func() { stopped <- d.Stop(stopping) }()
		synctest.Wait()
		appendAll(t, s, notification("too-late", merchant))
		d.Wake(laneOf(merchant))
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if got := record(t, s, "under-way"); got.State != store.Delivered {
			t.Errorf("%+v", got)
		}
		if got := record(t, s, "too-late"); got.State != store.Waiting || got.Attempts != 0 {
			t.Errorf("%+v", got)
		}
		if n := len(a.of(merchant)); n != 1 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestStopGivesBackWhatDoesNotEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		appendAll(t, s, notification("n", merchant))
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, time.Hour, delivered)
		})
		d := delivery.New(delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Logger: discard()})
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan error)
		go func() { stopped <- d.Run(ctx, 3*time.Second) }()
		time.Sleep(time.Second)
		began := time.Now()
		cancel()
		if err := <-stopped; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run answers %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("stopping took %s", took)
		}
		if got := record(t, s, "n"); got.State != store.Waiting || got.Attempts != 0 {
			t.Errorf("%+v", got)
		}
		again, err := s.Claim(context.Background(), laneOf(merchant), time.Now(), 1, time.Minute)
		if err != nil || len(again) != 1 {
			t.Errorf("claimed %d, %v: it is not due at once", len(again), err)
		}
	})
}

func TestStopWithoutStart(t *testing.T) {
	w, _, s := one(t)
	d := delivery.New(delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), Logger: discard()})
	if err := d.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	d.Start()
	d.Wake("any")
	if lanes := d.Lanes(); len(lanes) != 0 {
		t.Errorf("started after it had been stopped: %+v", lanes)
	}
}

// faulty is a store whose calls fail while the test says so.
type faulty struct {
	store.Store
	mu    sync.Mutex
	fails map[string]error
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
	return f.fails[operation]
}

func (f *faulty) Claim(ctx context.Context, lane string, now time.Time, limit int, lease time.Duration) ([]store.Delivery, error) {
	if err := f.get("claim"); err != nil {
		return nil, err
	}
	return f.Store.Claim(ctx, lane, now, limit, lease)
}

func (f *faulty) Record(ctx context.Context, o store.Outcome) error {
	if err := f.get("record"); err != nil {
		return err
	}
	return f.Store.Record(ctx, o)
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
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(a.of(merchant)); n != 1 {
			t.Errorf("%d attempts within the lease", n)
		}
		s.set("record", nil)
		time.Sleep(2 * time.Minute) // the lease ends
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

package delivery_test

import (
	"context"
	"errors"
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
		d.Start()
		time.Sleep(time.Second)
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err := d.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop answers %v", err)
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

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

func TestWhoAsksForThePausesWaitsNoLongerThanItsContextLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, inner := one(t)
		hangs := make(chan struct{})
		s := &hanging{Store: inner, until: hangs}
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered))})
		synctest.Wait() // the dispatcher's own look hangs
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		if err := d.RefreshPauses(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		close(hangs)
	})
}

// hanging is a store whose pauses are not answered for a while, whatever the context says.
type hanging struct {
	store.Store
	until chan struct{}
}

func (h *hanging) Pauses(ctx context.Context) ([]store.Pause, error) {
	<-h.until
	return h.Store.Pauses(ctx)
}

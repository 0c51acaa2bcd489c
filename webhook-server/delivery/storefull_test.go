package delivery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestWhenTheStoreIsFullLittleIsSentAndAllGoesOnAtOnceAfterwards(t *testing.T) {
	for name, healthy := range map[string]bool{"as the health check says": true, "as an outcome says that it takes": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, merchant, inner := one(t)
				s := &faulty{Store: inner}
				all := waiting(t, s, merchant, 200)
				a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
					return after(ctx, 10*time.Millisecond, delivered)
				})
				s.set("record", store.ErrFull)
				s.set("check", store.ErrFull)
				start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
				time.Sleep(5*time.Minute + 300*time.Millisecond)
				synctest.Wait()
				if n := len(a.of(merchant)); n > 50 {
					t.Errorf("%d attempts in five minutes in which none could be recorded", n)
				}
				s.set("record", nil)
				limit := 3 * time.Second
				if healthy {
					s.set("check", nil)
				} else {
					limit = 40 * time.Second // the next attempt is made when that before it has been given up
				}
				time.Sleep(limit)
				synctest.Wait()
				got := 0
				for _, n := range all {
					if record(t, s, n.ID).State == store.Delivered {
						got++
					}
				}
				if claimed := 10; got < len(all)-claimed {
					t.Errorf("%d of %d delivered", got, len(all))
				}
			})
		})
	}
}

package delivery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestForwardHonoursMaxInFlightAndWaitsNoLongerThanTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		narrow := destination("https://merchant.example")
		narrow.MaxInFlight, narrow.TimeoutSeconds = 2, 5
		w.merchant(merchant, narrow)
		w.apply()
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, 2*time.Second, delivered)
		})
		seen := &observer{}
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Observer: seen})
		verdicts := make(chan delivery.Verdict, 8)
		for range 8 {
			go func() {
				verdicts <- d.Forward(context.Background(), notification("n", merchant), w.served(merchant))
			}()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		count := map[delivery.Reason]int{}
		for range 8 {
			count[(<-verdicts).Reason]++
		}
		// Two at a time, two seconds each: four are answered. At five seconds two are cut off under way (the test's attempter calls that
		// Stopped) and the other two give up waiting, if they do not start just then and are cut off as well.
		if count[delivery.Delivered] != 4 || count[delivery.Stopped] < 2 || count[delivery.Stopped]+count[delivery.Busy] != 4 {
			t.Errorf("%v", count)
		}
		if most := a.mostOf(merchant); most != 2 {
			t.Errorf("%d under way at once", most)
		}
		if len(seen.forwards) != 8 || len(seen.attempts) != 0 {
			t.Errorf("observed %d forwards, %d attempts", len(seen.forwards), len(seen.attempts))
		}
	})
}

func TestForwardToAGatewayThatIsGone(t *testing.T) {
	w, merchant, s := one(t)
	d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered))})
	n := notification("n", merchant)
	n.GatewayID = "MGW_999999"
	if v := d.Forward(context.Background(), n, w.served(merchant)); v.Reason != delivery.UnknownDestination || v.Answer() != delivery.Unavailable {
		t.Errorf("%+v", v)
	}
}

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

func TestADestinationThatIsDownGetsOneProbeAtATimeAndDrainsWhenItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		var all []store.Notification
		for i := range 500 {
			all = append(all, notification(fmt.Sprintf("n-%d", i), merchant))
		}
		appendAll(t, s, all...)
		began := time.Now()
		back := began.Add(time.Hour)
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			if time.Now().Before(back) {
				return after(ctx, 20*time.Millisecond, failing)
			}
			return after(ctx, 20*time.Millisecond, delivered)
		})
		changes := &observer{}
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Observer: changes})
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if n := len(a.of(merchant)); n < 30 || n > 560 {
			t.Errorf("%d attempts in 30 minutes of outage, want fifty a second for ten seconds and then a probe each minute", n)
		}
		if lanes := d.Lanes(); len(lanes) != 1 || !lanes[0].Open {
			t.Errorf("lanes: %+v", lanes)
		}
		time.Sleep(30*time.Minute + longestProbe + 5*time.Second)
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Delivered && got.NextAttempt.Before(time.Now()) {
				t.Fatalf("not drained: %+v", got)
			}
		}
		if got := changes.circuits(); got != "open closed " {
			t.Errorf("circuit: %s", got)
		}
	})
}

const longestProbe = time.Minute

func TestAChangedDestinationIsTriedWithoutTheOldOnesCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		for i := range 10 {
			appendAll(t, s, notification(fmt.Sprintf("n-%d", i), merchant))
		}
		a := newAttempter(always(silent))
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if lanes := d.Lanes(); len(lanes) != 1 || !lanes[0].Open {
			t.Fatalf("lanes: %+v", lanes)
		}
		a.mu.Lock()
		a.answer = always(delivered)
		a.mu.Unlock()
		w.merchant(merchant, destination("https://moved.example"))
		w.apply()
		time.Sleep(longestProbe)
		synctest.Wait()
		for _, l := range d.Lanes() {
			if l.Open {
				t.Errorf("still open: %+v", l)
			}
		}
	})
}

func TestWhatTheCircuitHeldBackForTooLongIsDeadWithoutAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		d := destination("https://merchant.example")
		d.Retry.MaxAgeHours = 1
		w.merchant(merchant, d)
		w.apply()
		var all []store.Notification
		for i := range 1000 {
			all = append(all, notification(fmt.Sprintf("n-%d", i), merchant))
		}
		appendAll(t, s, all...)
		a := newAttempter(always(silent))
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(time.Hour + 2*longestProbe)
		synctest.Wait()
		expired := 0
		for _, n := range all {
			got := record(t, s, n.ID)
			if got.State != store.Dead {
				t.Fatalf("%+v", got)
			}
			if got.LastReason == "expired" {
				expired++
			}
		}
		if attempts := len(a.of(merchant)); expired == 0 || attempts > 600 {
			t.Errorf("%d expired, %d attempts", expired, attempts)
		}
	})
}

func TestMerchantsThatAreGoneDoNotOpenTheCircuitOfTheSharedDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gateway.Delivery = destination("https://default.example")
		w.merchant(merchantID(1), nil)
		w.apply()
		s := openStore(t)
		appendTo := func(id, merchant string) {
			n := notification(id, merchant)
			n.Lane = defaultLane
			appendAll(t, s, n)
		}
		for i := range 50 {
			appendTo(fmt.Sprintf("gone-%d", i), merchantID(2))
		}
		appendTo("n", merchantID(1))
		seen := &observer{}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), Observer: seen})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := record(t, s, "n"); got.State != store.Delivered {
			t.Errorf("%+v", got)
		}
		if got := seen.circuits(); got != "" {
			t.Errorf("circuit: %s", got)
		}
		if n := seen.ended(); n < 51 || n > 101 { // what is missing may be looked up twice while the dispatcher comes to know the gateway
			t.Errorf("%d attempts were reported, want 51", n)
		}
		for _, r := range seen.attempts {
			want, attempts := delivery.UnknownDestination, 0 // it is no attempt
			if r.MerchantID == merchantID(1) {
				want, attempts = delivery.Delivered, 1
			}
			if r.Reason != want || r.Attempts != attempts || r.Lane != defaultLane {
				t.Errorf("%+v, want reason %s and %d attempts", r, want, attempts)
			}
		}
	})
}

func TestTheCircuitOfADestinationThatIsGoneIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		d := destination("https://merchant.example")
		d.Retry.MaxAgeHours = 1
		w.merchant(merchant, d)
		w.apply()
		waiting(t, s, merchant, 20)
		seen := &observer{}
		dispatcher := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(failing)), Observer: seen})
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if got := seen.circuits(); got != "open " {
			t.Fatalf("circuit: %s", got)
		}
		w.remove()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := seen.circuits(); got != "open closed " || len(dispatcher.Lanes()) != 0 {
			t.Errorf("circuit: %s; %+v", got, dispatcher.Lanes())
		}
	})
}

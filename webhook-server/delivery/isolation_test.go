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

var (
	delivered = delivery.Verdict{Reason: delivery.Delivered, Status: 200}
	failing   = delivery.Verdict{Reason: delivery.ServerError, Status: 500}
	silent    = delivery.Verdict{Reason: delivery.Timeout}
)

func TestADeadLaneWithTenThousandWaitingDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, healthy := merchantID(1), merchantID(2)
		w := newWorld(t)
		slow := destination("https://dead.example")
		slow.MaxInFlight = 256
		w.merchant(dead, slow)
		w.merchant(healthy, destination("https://healthy.example"))
		w.apply()
		s := openStore(t)
		backlog := make([]store.Notification, 10_000)
		for i := range backlog {
			backlog[i] = notification(fmt.Sprintf("dead-%d", i), dead)
		}
		appendAll(t, s, backlog...)

		a := newAttempter(func(ctx context.Context, n store.Notification) delivery.Verdict {
			if n.MerchantID == dead {
				return after(ctx, 10*time.Second, silent)
			}
			return after(ctx, 10*time.Millisecond, delivered)
		})
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, MaxInFlight: 40})
		for i := range 200 {
			n := notification(fmt.Sprintf("healthy-%d", i), healthy)
			appendAll(t, s, n)
			d.Wake(n.Lane)
			time.Sleep(50 * time.Millisecond)
			synctest.Wait()
			if got := record(t, s, n.ID).State; got != store.Delivered {
				t.Fatalf("after 50 ms the healthy lane's notification %d is %s", i, got)
			}
		}
		if most := a.mostOf(dead); most > 10 {
			t.Errorf("the dead lane had %d attempts under way, a quarter of the shared bound is 10", most)
		}
	})
}

func TestNotEvenManyDeadLanesTogetherKeepALaneFromSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := openStore(t)
		var backlog []store.Notification
		for lane := range 20 {
			w.merchant(merchantID(lane), destination(fmt.Sprintf("https://dead-%d.example", lane)))
			for i := range 20 {
				backlog = append(backlog, notification(fmt.Sprintf("dead-%d-%d", lane, i), merchantID(lane)))
			}
		}
		healthy := merchantID(99)
		w.merchant(healthy, destination("https://healthy.example"))
		w.apply()
		appendAll(t, s, backlog...)
		a := newAttempter(func(ctx context.Context, n store.Notification) delivery.Verdict {
			if n.MerchantID != healthy {
				return after(ctx, time.Hour, silent)
			}
			return after(ctx, 10*time.Millisecond, delivered)
		})
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, MaxInFlight: 16})
		time.Sleep(time.Second)
		synctest.Wait()
		underWay := 0
		for _, l := range d.Lanes() {
			underWay += l.InFlight
		}
		if underWay != 8+20 {
			t.Errorf("%d attempts hang, want a tenant's half of the shared 16 and one for each of 20 lanes", underWay)
		}
		n := notification("healthy", healthy)
		appendAll(t, s, n)
		d.Wake(n.Lane)
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if got := record(t, s, n.ID).State; got != store.Delivered {
			t.Errorf("the healthy lane's notification is %s", got)
		}
	})
}

func TestALaneKeepsToItsMaxInFlightAndMaxPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		merchant := merchantID(1)
		w := newWorld(t)
		limited := destination("https://limited.example")
		limited.MaxInFlight, limited.MaxPerSecond = 3, 20
		w.merchant(merchant, limited)
		w.apply()
		s := openStore(t)
		var all []store.Notification
		for i := range 200 {
			all = append(all, notification(fmt.Sprintf("n-%d", i), merchant))
		}
		appendAll(t, s, all...)
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, 100*time.Millisecond, delivered)
		})
		began := time.Now()
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(20 * time.Second)
		synctest.Wait()
		attempts := a.of(merchant)
		if len(attempts) != 200 {
			t.Fatalf("%d attempts, want 200", len(attempts))
		}
		if most := a.mostOf(merchant); most != 3 {
			t.Errorf("%d attempts were under way at once, want 3", most)
		}
		for i, x := range attempts {
			if allowed := 2 + int(x.at.Sub(began).Seconds()*20); i+1 > allowed+1 {
				t.Fatalf("attempt %d came after %s", i+1, x.at.Sub(began))
			}
		}
		if took := attempts[199].at.Sub(began); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("200 attempts at 20 a second took %s", took)
		}
	})
}

func TestTwoDispatchersOnOneStoreSendNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, 10*time.Millisecond, delivered)
		})
		o := delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a}
		both := []*delivery.Dispatcher{start(t, o), start(t, o)}
		for i := range 300 {
			n := notification(fmt.Sprintf("n-%d", i), merchant)
			appendAll(t, s, n)
			both[i%2].Wake(n.Lane)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		sent := map[string]int{}
		for _, x := range a.of(merchant) {
			sent[x.id]++
		}
		if len(sent) != 300 || len(a.of(merchant)) != 300 {
			t.Errorf("%d notifications in %d attempts", len(sent), len(a.of(merchant)))
		}
	})
}

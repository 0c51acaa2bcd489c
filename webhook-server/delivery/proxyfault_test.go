package delivery_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var proxyFault = delivery.Verdict{Reason: delivery.Proxy}

func TestAProxyThatIsDownCostsNoAttemptAndIsNotWornDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lanes = 20
		w := newWorld(t)
		s := openStore(t)
		var all []store.Notification
		for lane := range lanes {
			w.merchant(merchantID(lane), destination(fmt.Sprintf("https://%d.example", lane)))
			for i := range 20 {
				all = append(all, notification(fmt.Sprintf("n-%d-%d", lane, i), merchantID(lane)))
			}
		}
		w.apply()
		appendAll(t, s, all...)
		back := time.Now().Add(time.Hour)
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			if time.Now().Before(back) {
				return after(ctx, 10*time.Millisecond, proxyFault)
			}
			return after(ctx, 10*time.Millisecond, delivered)
		})
		seen := &observer{}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Observer: seen})
		time.Sleep(time.Minute)
		synctest.Wait()
		first := seen.ended()
		if first > 300 {
			t.Errorf("%d attempts in the first minute, want those that were under way when it was found out, and few more", first)
		}
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Waiting || got.Attempts != 0 || !got.LastAttempt.IsZero() || len(got.History) != 0 {
				t.Fatalf("%+v", got)
			}
		}
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if later := seen.ended() - first; later < 45 || later > 65 {
			t.Errorf("%d attempts in the 59 minutes after that, want one a minute for all lanes", later)
		}
		time.Sleep(75 * time.Second)
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Delivered || got.Attempts != 1 {
				t.Fatalf("%+v", got)
			}
		}
		if got := seen.circuits() + seen.proxies(); got != "fails works " {
			t.Errorf("observed %q", got)
		}
	})
}

// failsAtFirst has a notification for a merchant whose attempts fail until answer says otherwise, and which may become an hour old.
func failsAtFirst(t *testing.T) (o delivery.Options, merchant string, answer func(delivery.Verdict)) {
	t.Helper()
	w, merchant, s := one(t)
	d := destination("https://merchant.example")
	d.Retry.MaxAgeHours = 1
	w.merchant(merchant, d)
	w.apply()
	a := newAttempter(always(failing))
	appendAll(t, s, notification("tried-before", merchant))
	return delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a}, merchant, func(v delivery.Verdict) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.answer = always(v)
	}
}

func TestAProxyThatIsDownForDaysEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options, merchant, answer := failsAtFirst(t)
		s := options.Store
		dispatcher := start(t, options)
		time.Sleep(30 * time.Second)
		answer(proxyFault)
		appendAll(t, s, notification("never-tried", merchant))
		dispatcher.Wake(laneOf(merchant))
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		for _, id := range []string{"tried-before", "never-tried"} {
			if got := record(t, s, id); got.State != store.Waiting {
				t.Errorf("%+v", got)
			}
		}
		answer(delivered)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		for _, id := range []string{"tried-before", "never-tried"} {
			if got := record(t, s, id); got.State != store.Delivered {
				t.Errorf("%+v", got)
			}
		}
	})
}

func TestARestartWhileTheProxyIsDownEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options, _, answer := failsAtFirst(t)
		s := options.Store
		first := start(t, options)
		time.Sleep(30 * time.Second)
		answer(proxyFault)
		time.Sleep(5 * time.Hour)
		if err := first.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		start(t, options)
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if got := record(t, s, "tried-before"); got.State != store.Waiting || got.LastReason != "proxy" {
			t.Fatalf("%+v", got)
		}
		answer(delivered)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if got := record(t, s, "tried-before"); got.State != store.Delivered {
			t.Errorf("%+v", got)
		}
	})
}

// A proxy answers CONNECT to a dead destination as it does when it is broken itself. Neither the others nor the age bound may suffer.
func TestAProxyThatFailsOneDestinationDelaysNoOtherAndTheAgeBoundHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		d := destination("https://merchant.example")
		d.Retry.MaxAgeHours = 1
		w.merchant(merchant, d)
		healthy := merchantID(2)
		w.merchant(healthy, destination("https://healthy.example"))
		w.apply()
		waiting(t, s, merchant, 10)
		a := newAttempter(func(ctx context.Context, n store.Notification) delivery.Verdict {
			if n.MerchantID == merchant {
				return after(ctx, 10*time.Millisecond, proxyFault)
			}
			return after(ctx, 10*time.Millisecond, delivered)
		})
		dispatcher := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		for i := range 130 {
			n := notification(fmt.Sprintf("healthy-%d", i), healthy)
			appendAll(t, s, n)
			dispatcher.Wake(n.Lane)
			time.Sleep(time.Minute)
			synctest.Wait()
			if x := a.of(healthy); len(x) != i+1 || time.Since(x[i].at) != time.Minute {
				t.Fatalf("the healthy lane's notification %d was held up: %d attempts", i, len(x))
			}
		}
		if n := len(a.of(merchant)); n > 160 {
			t.Errorf("%d attempts of the other lane in 130 minutes", n)
		}
		for i := range 10 {
			if got := record(t, s, fmt.Sprintf("n-%d", i)); got.State != store.Dead || got.LastReason != "expired" {
				t.Errorf("%+v", got)
			}
		}
	})
}

func TestWhenTheProxyFailsD1IsToldToComeAgain(t *testing.T) {
	w, merchant, s := one(t)
	d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(proxyFault))})
	if v := d.Forward(t.Context(), notification("n", merchant), w.served(merchant)); v.Reason != delivery.Proxy || v.Answer() != delivery.Unavailable {
		t.Errorf("%+v", v)
	}
}

// Many proxies answer for a dead destination as they do when they are broken themselves: so a tenant may have any number of destinations that they fail.
func TestOneFaultOfTheProxyCostsALaneAMinuteHoweverManyOthersItFails(t *testing.T) {
	for name, othersPass := range map[string]bool{"while others pass": true, "while nobody else sends anything": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				s := openStore(t)
				merchant, healthy := merchantID(0), merchantID(999)
				w.merchant(merchant, destination("https://merchant.example"))
				w.merchant(healthy, destination("https://healthy.example"))
				for i := range 100 {
					w.merchant(merchantID(i+1), destination(fmt.Sprintf("https://dead-%d.example", i)))
					for j := range 3 {
						appendAll(t, s, notification(fmt.Sprintf("dead-%d-%d", i, j), merchantID(i+1)))
					}
				}
				w.apply()
				var failed atomic.Bool
				a := newAttempter(func(ctx context.Context, n store.Notification) delivery.Verdict {
					if n.MerchantID == healthy || (n.MerchantID == merchant && failed.Swap(true)) {
						return after(ctx, 10*time.Millisecond, delivered)
					}
					return after(ctx, 10*time.Millisecond, proxyFault)
				})
				d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
				send := func(id, merchant string) {
					n := notification(id, merchant)
					appendAll(t, s, n)
					d.Wake(n.Lane)
				}
				time.Sleep(3 * time.Hour)
				send("n", merchant)
				for i := range 15 {
					if othersPass {
						send(fmt.Sprintf("healthy-%d", i), healthy)
					}
					time.Sleep(5 * time.Second)
				}
				synctest.Wait()
				if got := record(t, s, "n"); got.State != store.Delivered || got.Attempts != 1 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

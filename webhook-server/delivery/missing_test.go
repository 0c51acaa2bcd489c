package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// remove stops serving the gateway.
func (w *world) remove() {
	w.t.Helper()
	w.state.Apply([]serving.Update{{Object: w.gateway.ObjectName()}, {Object: w.secrets.ObjectName()}})
	if len(w.state.Snapshot().Gateways()) > 0 {
		w.t.Fatal("the gateway is served still")
	}
}

func TestWhatWaitsForAMerchantIsSentWithinASecondOfItsReturn(t *testing.T) {
	for name, own := range map[string]bool{"of its own destination": true, "of the gateway's": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.gateway.Delivery = destination("https://default.example")
				w.apply()
				s := &faulty{Store: openStore(t)}
				merchant := merchantID(1)
				n := notification("n", merchant)
				var d *api.Destination
				if n.Lane = defaultLane; own {
					n.Lane, d = laneOf(merchant), destination("https://own.example")
				}
				appendAll(t, s, n)
				start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), FollowInterval: time.Second})
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				if got := record(t, s, "n"); got.State != store.Waiting || got.LastReason != "unknown_destination" || got.Attempts != 0 {
					t.Fatalf("%+v", got)
				}
				asked := s.count("replay")
				w.merchant(merchantID(2), nil)
				w.apply()
				time.Sleep(time.Minute)
				if n := s.count("replay"); n != asked {
					t.Errorf("another merchant's coming cost %d calls of the store", n-asked)
				}
				w.merchant(merchant, d)
				w.apply()
				time.Sleep(time.Second + 100*time.Millisecond)
				synctest.Wait()
				if got := record(t, s, "n"); got.State != store.Delivered || got.Attempts != 1 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// The process that comes to know the gateway need not be the one that found it missing.
func TestWhatWaitsForAGatewayIsSentWithinASecondOfItsReturnAlsoByAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		s := &faulty{Store: inner}
		w.remove()
		n := notification("n", merchant)
		appendAll(t, s, n)
		o := delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), FollowInterval: time.Second}
		first := delivery.New(delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: o.Attempter, Logger: discard()})
		first.Start()
		time.Sleep(20 * time.Minute)
		if err := first.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		start(t, o)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := record(t, s, "n"); got.State != store.Waiting || got.LastReason != "unknown_destination" {
			t.Fatalf("%+v", got)
		}
		s.set("lanes", errors.New("disk on fire"))
		w.apply()
		time.Sleep(3 * time.Second)
		s.set("lanes", nil)
		time.Sleep(time.Second + 100*time.Millisecond)
		synctest.Wait()
		if got := record(t, s, "n"); got.State != store.Delivered {
			t.Errorf("%+v", got)
		}
	})
}

func TestNothingIsAskedOfTheStoreWhileNoGatewayComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		s := &faulty{Store: inner}
		appendAll(t, s, notification("n", merchant))
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), FollowInterval: time.Second})
		time.Sleep(10 * time.Second)
		lanes, replays, looks := s.count("lanes"), s.count("replay"), s.count("due_lanes")
		for range 60 {
			w.gateway.Generation++
			w.apply()
			time.Sleep(time.Second)
		}
		if n := s.count("lanes") - lanes; n > 0 {
			t.Errorf("%d looks at what waits", n)
		}
		if n := s.count("replay") - replays; n > 0 {
			t.Errorf("%d replays", n)
		}
		if n := s.count("due_lanes") - looks; n > 13 {
			t.Errorf("%d looks for what is due in a minute in which nothing is", n)
		}
	})
}

func TestLooksAtAllLanesAreAtLeastASecondApartHoweverMuchFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, inner := one(t)
		s := &faulty{Store: inner}
		waiting(t, s, merchant, 300)
		fails := func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, 5*time.Millisecond, failing)
		}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(fails)})
		time.Sleep(30 * time.Second)
		if n := s.count("due_lanes"); n > 31 {
			t.Errorf("%d looks in 30 seconds", n)
		}
	})
}

// Each search may look at everything that waits: a thousand of them one after the other take minutes.
func TestManyMerchantsThatComeBackTogetherCostOneSearch(t *testing.T) {
	for name, own := range map[string]bool{"of destinations of their own": true, "of the gateway's": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.gateway.Delivery = destination("https://default.example")
				w.apply()
				s := &faulty{Store: openStore(t)}
				const merchants = 100
				for i := range merchants {
					n := notification(fmt.Sprintf("n-%d", i), merchantID(i))
					if !own {
						n.Lane = defaultLane
					}
					appendAll(t, s, n)
					if own {
						w.merchant(merchantID(i), destination(fmt.Sprintf("https://%d.example", i)))
					}
				}
				start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered)), FollowInterval: time.Second})
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				asked := s.count("replay")
				w.gateway.DeliverUnlisted = !own
				w.apply()
				time.Sleep(2 * time.Second)
				synctest.Wait()
				for i := range merchants {
					if got := record(t, s, fmt.Sprintf("n-%d", i)); got.State != store.Delivered {
						t.Fatalf("%+v", got)
					}
				}
				if n := s.count("replay") - asked; n > 2 {
					t.Errorf("%d searches", n)
				}
			})
		})
	}
}

func TestOneGatewaysReturnDoesNotHoldUpAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, other := newWorld(t), newWorld(t)
		other.gateway.Namespace, other.secrets.Namespace = "other", "other"
		other.gateway.GatewayID = "MGW_000002"
		other.state = stuck.state
		merchant := merchantID(1)
		stuck.gateway.DeliverUnlisted, other.gateway.DeliverUnlisted = false, false
		stuck.gateway.Delivery, other.gateway.Delivery = destination("https://stuck.example"), destination("https://other.example")
		stuck.apply()
		other.apply()
		s := &faulty{Store: openStore(t)}
		s.replaying = func(f store.Filter) error {
			if f.Lane == laneOf(merchant) {
				return errors.New("takes for ever")
			}
			return nil
		}
		theirs := notification("theirs", merchant)
		theirs.GatewayID, theirs.Lane = "MGW_000002", "other/acme/MGW_000002/"+merchant
		appendAll(t, s, notification("n", merchant), theirs)
		start(t, delivery.Options{Store: s, Snapshot: stuck.state.Snapshot, Attempter: newAttempter(always(delivered)), FollowInterval: time.Second})
		time.Sleep(20 * time.Minute)
		stuck.merchant(merchant, destination("https://own.example"))
		stuck.apply()
		time.Sleep(10 * time.Second)
		other.merchant(merchant, destination("https://own.example"))
		other.apply()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := record(t, s, "n"); got.State != store.Waiting {
			t.Errorf("the search that fails is not what is tested: %+v", got)
		}
		if got := record(t, s, "theirs"); got.State != store.Delivered {
			t.Errorf("%+v", got)
		}
	})
}

package delivery_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// addresses keeps where notifications went, and by whose connections.
type addresses struct {
	mu   sync.Mutex
	went map[string]string // by notification
}

func (a *addresses) Attempt(_ context.Context, n store.Notification, owner string, d *serving.Destination) delivery.Verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.went[n.ID] = owner + " " + d.URL
	return delivered
}

func (a *addresses) of(id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.went[id]
}

func TestWhatADrainingGatewayAcceptedIsStillDeliveredAlsoWhenAnotherHasItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		w.gateway.Delivery = destination("https://default.example")
		w.gateway.Merchants = append(w.gateway.Merchants, api.Merchant{ID: merchantID(9)})
		w.gateway.Draining = true
		w.apply()
		if g := w.state.Snapshot().Gateway("", gatewayID); g != nil {
			t.Fatal("D1 finds the draining gateway")
		}
		successor := newWorld(t)
		successor.state = w.state
		successor.gateway.Name, successor.secrets.Name = "globex", "globex"
		successor.merchant(merchant, destination("https://globex.example"))
		successor.apply()

		own, fallback, next := notification("own", merchant), notification("fallback", merchantID(9)), notification("next", merchant)
		fallback.Lane, next.Lane = defaultLane, "payments/globex/"+gatewayID+"/"+merchant
		appendAll(t, s, own, fallback, next)
		a := &addresses{went: map[string]string{}}
		d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
		time.Sleep(time.Minute)
		synctest.Wait()
		for id, want := range map[string]string{
			"own":      "payments/acme " + served(w, merchant).URL,
			"fallback": "payments/acme https://default.example",
			"next":     "payments/globex https://globex.example",
		} {
			if got := record(t, s, id); got.State != store.Delivered || a.of(id) != want {
				t.Errorf("%s is %s and went to %q, want %q", id, got.State, a.of(id), want)
			}
		}
		// A request of D1 that had begun before is forwarded to its end.
		if v := d.Forward(context.Background(), own, served(w, merchant)); v.Reason != delivery.Delivered {
			t.Errorf("forwarded with %+v", v)
		}
	})
}

// served answers a merchant's destination at the draining gateway.
func served(w *world, merchant string) *serving.Destination {
	return w.state.Snapshot().Draining()[0].Destination(merchant)
}

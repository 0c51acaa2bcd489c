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

// Destinations that answer 200 after 55 s are not down: no circuit opens.
func TestATenantsSlowDestinationsTakeNothingFromAnotherTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick := newWorld(t), newWorld(t)
		s := openStore(t)
		merchant := merchantID(99)
		limited := destination("https://quick.example")
		limited.MaxInFlight = 50
		quick.gateway.Namespace, quick.secrets.Namespace = "other", "other"
		quick.gateway.GatewayID = "MGW_000002"
		quick.merchant(merchant, limited)
		quick.state = slow.state
		for i := range 6 {
			d := destination(fmt.Sprintf("https://slow-%d.example", i))
			d.MaxInFlight, d.TimeoutSeconds = 256, 60
			slow.merchant(merchantID(i), d)
		}
		slow.apply()
		quick.apply()
		var all []store.Notification
		for i := range 6 {
			for j := range 500 {
				all = append(all, notification(fmt.Sprintf("slow-%d-%d", i, j), merchantID(i)))
			}
		}
		appendAll(t, s, all...)
		a := newAttempter(func(ctx context.Context, n store.Notification) delivery.Verdict {
			if n.MerchantID == merchant {
				return after(ctx, 200*time.Millisecond, delivered)
			}
			return after(ctx, 55*time.Second, delivered)
		})
		d := start(t, delivery.Options{Store: s, Snapshot: slow.state.Snapshot, Attempter: a})
		time.Sleep(10 * time.Second)
		for i := range 300 {
			n := notification(fmt.Sprintf("n-%d", i), merchant)
			n.GatewayID, n.Lane = "MGW_000002", "other/acme/MGW_000002/"+merchant
			appendAll(t, s, n)
			d.Wake(n.Lane)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(a.of(merchant)); n != 300 {
			t.Errorf("%d of 300 attempts after two seconds", n)
		}
	})
}

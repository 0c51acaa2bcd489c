package replica

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// drainage counts what waits for gateways that are being deleted.
type drainage struct {
	// settle is how long a gateway must have been draining before it counts as empty: requests that were under way when it stopped being
	// answered may append notifications until then.
	settle   time.Duration
	gateways map[gatewayID]*drained
}

// gatewayID tells a gateway from a later one of the same name.
type gatewayID struct {
	resource
	uid string
}

type drained struct {
	since time.Time
	count int64 // -1 until one is known that may be told
}

// follow takes up which gateways are draining.
func (d *drainage) follow(gateways []*serving.Gateway, now time.Time) {
	next := map[gatewayID]*drained{}
	for _, g := range gateways {
		id := gatewayID{resource{g.Namespace, g.Name}, g.UID}
		if g.UID == "" {
			continue // nobody outside a cluster waits for it
		}
		if next[id] = d.gateways[id]; next[id] == nil {
			next[id] = &drained{since: now, count: -1}
		}
	}
	d.gateways = next
}

func (d *drainage) any() bool { return len(d.gateways) > 0 }

// count takes up how many notifications wait in each lane of the store.
func (d *drainage) count(lanes []store.LaneStats, now time.Time) {
	waiting := map[resource]int64{}
	for _, lane := range lanes {
		if r, ok := resourceOf(lane.Lane); ok {
			waiting[r] += int64(lane.Waiting)
		}
	}
	for id, g := range d.gateways {
		if n := waiting[id.resource]; n > 0 || now.Sub(g.since) >= d.settle {
			g.count = n
		}
	}
}

// resourceOf answers the MerchantGateway of a lane, which begins with its namespace and its name: see serving.Destination.
func resourceOf(lane string) (resource, bool) {
	namespace, rest, ok := strings.Cut(lane, "/")
	if !ok {
		return resource{}, false
	}
	name, _, ok := strings.Cut(rest, "/")
	return resource{namespace, name}, ok
}

// list answers the gateways whose count is known, in order. One more than a report may hold waits until another has gone.
func (d *drainage) list() []v1alpha1.DrainingGateway {
	var list []v1alpha1.DrainingGateway
	for id, g := range d.gateways {
		if g.count >= 0 {
			list = append(list, v1alpha1.DrainingGateway{Namespace: id.namespace, Name: id.name, UID: id.uid, Undelivered: ptr(g.count)})
		}
	}
	slices.SortFunc(list, func(a, b v1alpha1.DrainingGateway) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), strings.Compare(a.UID, b.UID))
	})
	// The key of the list is namespace and name.
	list = slices.CompactFunc(list, func(a, b v1alpha1.DrainingGateway) bool { return a.Namespace == b.Namespace && a.Name == b.Name })
	return list[:min(len(list), maxDraining)]
}

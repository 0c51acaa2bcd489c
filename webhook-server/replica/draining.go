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
	gateways map[resource]*drained
}

type drained struct {
	uid   string // tells it from a later one of the same name
	lane  string // of its destination; those of its merchants are below it
	since time.Time
	count int64 // -1 until one is known that may be told
}

// follow takes up which gateways are draining.
func (d *drainage) follow(gateways []*serving.Gateway, now time.Time) {
	next := map[resource]*drained{}
	for _, g := range gateways {
		if g.UID == "" {
			continue // nobody outside a cluster waits for it
		}
		name, lane := resource{g.Namespace, g.Name}, g.Namespace+"/"+g.Name+"/"+g.GatewayID
		known := d.gateways[name]
		if known == nil || known.uid != g.UID || known.lane != lane {
			known = &drained{uid: g.UID, lane: lane, since: now, count: -1}
		}
		next[name] = known
	}
	d.gateways = next
}

func (d *drainage) any() bool { return len(d.gateways) > 0 }

// count takes up how many notifications wait in each lane of the store. What a former gateway of the same name has left, which nobody delivers,
// is not the present one's.
func (d *drainage) count(lanes []store.LaneStats, now time.Time) {
	waiting := map[string]int64{}
	for _, lane := range lanes {
		waiting[gatewayLane(lane.Lane)] += int64(lane.Waiting)
	}
	for _, g := range d.gateways {
		if n := waiting[g.lane]; n > 0 || now.Sub(g.since) >= d.settle {
			g.count = n
		}
	}
}

// gatewayLane answers the lane of the gateway to which a lane belongs: the first three of its parts, see serving.Destination.
func gatewayLane(lane string) string {
	parts := strings.SplitN(lane, "/", 4)
	return strings.Join(parts[:min(len(parts), 3)], "/")
}

// list answers the gateways whose count is known: the empty ones first, which can go, then by name. One more than a report may hold waits
// until another has gone, and so those that cannot be emptied hold up no other.
func (d *drainage) list() []v1alpha1.DrainingGateway {
	var list []v1alpha1.DrainingGateway
	for name, g := range d.gateways {
		if g.count >= 0 {
			list = append(list, v1alpha1.DrainingGateway{Namespace: name.namespace, Name: name.name, UID: g.uid, Undelivered: ptr(g.count)})
		}
	}
	slices.SortFunc(list, func(a, b v1alpha1.DrainingGateway) int {
		return cmp.Or(cmp.Compare(min(*a.Undelivered, 1), min(*b.Undelivered, 1)), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return list[:min(len(list), maxDraining)]
}

package delivery

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// directory finds destinations in the current snapshot. A notification goes where its merchant's go now, not where they went when it was accepted.
type directory struct {
	snapshot func() *serving.Snapshot

	mu       sync.Mutex
	indexed  *serving.Snapshot
	gateways map[string]*serving.Gateway     // by their part of the name of a lane: a merchantGatewayId may be another resource's later
	lanes    map[string]*serving.Destination // what has been found for a lane, nil included
	longest  map[string]time.Duration        // what longestAttempt has found for a lane
}

func newDirectory(snapshot func() *serving.Snapshot) *directory {
	return &directory{snapshot: snapshot, lanes: map[string]*serving.Destination{}, longest: map[string]time.Duration{}}
}

// gateway answers the gateway that a notification was accepted for, or nil: also when it is being deleted and D1 is not answered any more.
// Which host D1 called no longer matters.
func (d *directory) gateway(n store.Notification) *serving.Gateway {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.index()
	name, _, _ := splitLane(n.Lane)
	if g := d.gateways[name]; g != nil && g.GatewayID == n.GatewayID {
		return g
	}
	return nil
}

// served answers the current snapshot and the gateways in it, by their part of the name of a lane, in order.
func (d *directory) served() (*serving.Snapshot, []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.index()
	return d.indexed, slices.Sorted(maps.Keys(d.gateways))
}

// index starts anew when there is another snapshot. The caller holds the lock.
func (d *directory) index() {
	current := d.snapshot()
	if current == d.indexed {
		return
	}
	d.indexed, d.gateways, d.lanes = current, map[string]*serving.Gateway{}, map[string]*serving.Destination{}
	d.longest = map[string]time.Duration{}
	for _, list := range [][]*serving.Gateway{current.Gateways(), current.Draining()} {
		for _, g := range list {
			d.gateways[ownerOf(g)+"/"+g.GatewayID] = g
		}
	}
}

// destination answers where a notification goes now, and whose connections it uses. It is nil when that is not known, or when its
// merchantGatewayId is now another resource's.
func (d *directory) destination(n store.Notification) (*serving.Destination, string) {
	g := d.gateway(n)
	if g == nil {
		return nil, ""
	}
	return g.Destination(n.MerchantID), ownerOf(g)
}

// lane answers the destination that a lane is named after, or nil.
func (d *directory) lane(name string) *serving.Destination {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.index()
	found, known := d.lanes[name]
	if !known {
		found = d.namedAfter(name)
		d.lanes[name] = found
	}
	return found
}

func (d *directory) namedAfter(lane string) *serving.Destination {
	gateway, merchant, own := splitLane(lane)
	g := d.gateways[gateway]
	if g == nil {
		return nil
	}
	if own {
		return g.Destination(merchant)
	}
	if g.DeliverUnlisted {
		return g.Destination("")
	}
	for _, m := range g.Merchants { // the default destination is the one of any merchant that has none of its own
		if found := g.Destination(m.ID); found != nil && found.Lane == lane {
			return found
		}
	}
	return nil
}

// splitLane answers the part that names the gateway (namespace, name and merchantGatewayId), and for the lane of a merchant's own destination
// the merchant id.
func splitLane(lane string) (gateway, merchant string, own bool) {
	parts := strings.SplitN(lane, "/", 4)
	if len(parts) == 4 {
		return strings.Join(parts[:3], "/"), parts[3], true
	}
	return lane, "", false
}

func ownerOf(g *serving.Gateway) string { return g.Namespace + "/" + g.Name }

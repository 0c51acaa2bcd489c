package delivery

import (
	"strings"
	"sync"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// directory finds destinations in the current snapshot. A notification goes where its merchant's go now, not where they went when it was accepted.
type directory struct {
	snapshot func() *serving.Snapshot

	mu       sync.Mutex
	indexed  *serving.Snapshot
	gateways map[string]*serving.Gateway     // by merchantGatewayId
	lanes    map[string]*serving.Destination // what has been found for a lane, nil included
}

func newDirectory(snapshot func() *serving.Snapshot) *directory {
	return &directory{snapshot: snapshot, lanes: map[string]*serving.Destination{}}
}

// gateway answers the gateway with that id, or nil. Which host D1 called no longer matters.
func (d *directory) gateway(gatewayID string) *serving.Gateway {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.index()
	return d.gateways[gatewayID]
}

// index starts anew when there is another snapshot. The caller holds the lock.
func (d *directory) index() {
	current := d.snapshot()
	if current == d.indexed {
		return
	}
	d.indexed, d.gateways, d.lanes = current, map[string]*serving.Gateway{}, map[string]*serving.Destination{}
	for _, g := range current.Gateways() {
		d.gateways[g.GatewayID] = g
	}
}

// destination answers where a notification goes now, and whose connections it uses. It is nil when that is not known, or when its
// merchantGatewayId is now another resource's.
func (d *directory) destination(n store.Notification) (*serving.Destination, string) {
	g := d.gateway(n.GatewayID)
	if g == nil || !strings.HasPrefix(n.Lane, ownerOf(g)+"/") {
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
	parts := strings.SplitN(lane, "/", 4) // namespace, name, merchantGatewayId and, for a merchant's own, the merchant id
	if len(parts) < 3 {
		return nil
	}
	g := d.gateways[parts[2]]
	if g == nil || ownerOf(g) != parts[0]+"/"+parts[1] {
		return nil
	}
	if len(parts) == 4 {
		return g.Destination(parts[3])
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

func ownerOf(g *serving.Gateway) string { return g.Namespace + "/" + g.Name }

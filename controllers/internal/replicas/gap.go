package replicas

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	// Gap is for how long at least what was served counts as served after the last replica has gone. A server that is replaced by its successor
	// is away for some seconds.
	Gap = 2 * time.Minute
	// askEvery is how often the API server is asked for the Leases while nobody seems to be live.
	askEvery   = 5 * time.Second
	askTimeout = 5 * time.Second
	// listened is for how long the API server must have answered before silence says that nobody is live. After an outage the servers renew
	// their Leases within some seconds, and the watch may be later still.
	listened = defaultDuration
)

// Leases reads the Leases of the server replicas from the API server.
type Leases func(ctx context.Context) ([]coordinationv1.Lease, error)

// ListLeases answers how to read them from the system namespace. live must read from the API server and not from a cache.
func ListLeases(live client.Reader, namespace string) Leases {
	return func(ctx context.Context) ([]coordinationv1.Lease, error) {
		var list coordinationv1.LeaseList
		err := live.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelReplica: v1alpha1.ReplicaValue})
		if err != nil {
			return nil, fmt.Errorf("listing the Leases of server replicas: %w", err)
		}
		return list.Items, nil
	}
}

// gap is the time in which nobody is live. That Leases run out says little by itself: while the API server is away, or the watch is, nothing is heard of
// replicas that serve. So the gap ends only when the API server itself has shown for some time that nobody renews.
type gap struct {
	lastLive time.Time
	told     bool      // that there is no replica any more
	asked    time.Time // when the API server was asked last; zero when it was not in this gap
	hears    time.Time // since when it has answered each time; zero while it does not
	deaf     bool      // that it does not was logged
	events   int       // of the watch on Leases
}

// ended takes up that a replica is live.
func (g *gap) ended(now time.Time) { *g = gap{lastLive: now, events: g.events} }

// next is when to ask again; at the end of the Gap in any case, so that what is to be said then is not late.
func (g *gap) next() time.Time {
	next, end := g.asked.Add(askEvery), g.lastLive.Add(Gap)
	if g.asked.Before(end) && end.Before(next) {
		return end
	}
	return next
}

// isOver says whether silence is to be taken for what it is.
func (g *gap) isOver(now time.Time) bool {
	return !g.hears.IsZero() && !now.Before(g.hears.Add(listened)) && !now.Before(g.lastLive.Add(Gap))
}

// asks says whether it is open who is live, and the API server is asked.
func (t *Tracker) asks() bool { return len(t.live) == 0 && !t.gap.told }

// ask asks the API server who is live. events is how many the watch had told when it was decided.
func (t *Tracker) ask(ctx context.Context, events int) {
	call, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	leases, err := t.leases(call)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.gap.asked = now
	if err != nil {
		t.gap.hears = time.Time{}
		if !t.gap.deaf && ctx.Err() == nil {
			t.logger.Error(err, "It stays open whether a server replica is live")
		}
		t.gap.deaf = true
		return
	}
	t.gap.deaf = false
	if t.gap.events != events {
		return // What the watch has told meanwhile may be newer. It is asked again.
	}
	for i := range leases {
		name := leases[i].Name
		t.pulses[name] = t.pulses[name].next(&leases[i], now)
	}
	t.settle()
	if !t.asks() {
		return
	}
	if t.gap.hears.IsZero() {
		t.gap.hears = now
	}
	if t.gap.isOver(now) {
		t.gap.told = true
		t.queues.addAll()
	}
}

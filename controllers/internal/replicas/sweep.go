package replicas

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	// keep is how long the reports of a replica that is gone are kept: the last uses in them must reach the status of their resources, also when
	// the operator was away itself.
	keep       = time.Hour
	sweepEvery = 10 * time.Minute
)

// Sweeper deletes the reports and Leases of replicas that are long gone.
type Sweeper struct {
	Tracker *Tracker
	Client  client.Client
	// Namespace is the system namespace.
	Namespace string
}

// Start sweeps until ctx ends. It is a manager.Runnable.
func (s *Sweeper) Start(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.Sweep(ctx)
		}
	}
}

// Sweep deletes what is due. What cannot be deleted is tried again by the next one.
func (s *Sweeper) Sweep(ctx context.Context) {
	logger := log.FromContext(ctx)
	for _, name := range s.Tracker.gone() {
		if s.isNeeded(ctx, name.report) {
			continue
		}
		logger.Info("Deleting the reports of a server replica that is gone", "replica", name.replica, "report", name.report)
		meta := metav1.ObjectMeta{Namespace: s.Namespace, Name: name.report}
		for _, object := range []client.Object{&v1alpha1.ReplicaReport{ObjectMeta: meta}, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name.replica}}} {
			if err := s.Client.Delete(ctx, object); client.IgnoreNotFound(err) != nil {
				logger.Error(err, "Cannot delete the report of a server replica that is gone", "replica", name.replica)
			}
		}
	}
}

// isNeeded says whether the deletion of a gateway waits for notifications that the replica has left: the report is all that tells of them.
func (s *Sweeper) isNeeded(ctx context.Context, report string) bool {
	for gateway, uid := range s.Tracker.leftBehind(report) {
		resource := &v1alpha1.MerchantGateway{}
		err := s.Client.Get(ctx, gateway, resource)
		if client.IgnoreNotFound(err) != nil || err == nil && resource.UID == uid {
			return true
		}
	}
	return false
}

// leftBehind answers the gateways of which a report says that notifications wait.
func (t *Tracker) leftBehind(report string) map[types.NamespacedName]types.UID {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := map[types.NamespacedName]types.UID{}
	if r := t.reports[report].ReplicaReport; r != nil {
		for _, d := range r.Draining {
			if ptr.Deref(d.Undelivered, 0) > 0 {
				left[types.NamespacedName{Namespace: d.Namespace, Name: d.Name}] = types.UID(d.UID)
			}
		}
	}
	return left
}

type gone struct{ replica, report string }

// gone answers the reports of replicas that have not been live for the time of keep, and begins to count for those that have just gone.
func (t *Tracker) gone() []gone {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	now := t.now()
	all := t.withoutLife()
	for _, g := range all {
		if _, counted := t.silent[g.replica]; !counted {
			t.silent[g.replica] = now
		}
	}
	maps.DeleteFunc(t.silent, func(replica string, _ time.Time) bool {
		return !slices.ContainsFunc(all, func(g gone) bool { return g.replica == replica })
	})
	all = slices.DeleteFunc(all, func(g gone) bool { return now.Before(t.silent[g.replica].Add(keep)) })
	slices.SortFunc(all, func(a, b gone) int { return strings.Compare(a.report, b.report) })
	return all
}

// withoutLife answers the reports of replicas that are not live. A Lease counts as one: its replica may have ended before it reported anything.
func (t *Tracker) withoutLife() []gone {
	var all []gone
	for name, r := range t.reports {
		if !t.live[r.Replica] {
			all = append(all, gone{r.Replica, name})
		}
	}
	for name := range t.pulses {
		if _, reported := t.reports[name]; !reported && !t.live[name] {
			all = append(all, gone{name, name})
		}
	}
	return all
}

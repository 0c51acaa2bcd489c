package replicas

import (
	"context"
	"fmt"
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
	// keep is how long the reports of a replica that is gone are kept, and at least how long they count: the last uses in them must reach the status of their
	// resources, also when the operator was away itself, and what a server has not delivered is delivered when it is back.
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
	for _, left := range s.Tracker.gone() {
		if s.isNeeded(ctx, left) {
			continue
		}
		object := left.object(s.Namespace)
		logger.Info("Deleting what a server replica has left that is gone", "replica", left.replica, "object", fmt.Sprintf("%T %s", object, object.GetName()))
		if err := s.Client.Delete(ctx, object); client.IgnoreNotFound(err) != nil {
			logger.Error(err, "Cannot delete what a server replica has left that is gone", "replica", left.replica)
		}
	}
}

// isNeeded says whether the deletion of a gateway waits for notifications that the replica has left: the report is all that tells of them. While another
// replica is live what is left so long is forgotten, see Undelivered. Gateways of namespaces that are not looked at may be another operator's.
func (s *Sweeper) isNeeded(ctx context.Context, left gone) bool {
	if left.report == "" || s.Tracker.Live() > 0 {
		return false
	}
	for gateway, uid := range s.Tracker.leftBehind(left.report) {
		if !s.Tracker.isLookedAt(gateway.Namespace) {
			return true
		}
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

// gone is what a replica has left: one of its reports, or its Lease where report is empty.
type gone struct{ replica, report string }

func (g gone) object(namespace string) client.Object {
	if g.report == "" {
		return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: g.replica}}
	}
	return &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: g.report}}
}

// gone answers the reports and Leases of replicas that have not been live for the time of keep. Of the Leases these are only such as have been seen with
// the label of a replica's: the operators' own is in the same namespace, and a report that names it must not end it. While it is open who is live there are
// none.
func (t *Tracker) gone() []gone {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	if t.asks() {
		return nil
	}
	now := t.now()
	var all []gone
	for name, r := range t.reports {
		if t.isLongGone(r.Replica, now) {
			all = append(all, gone{r.Replica, name})
		}
	}
	for name := range t.pulses {
		if t.isLongGone(name, now) {
			all = append(all, gone{name, ""})
		}
	}
	slices.SortFunc(all, func(a, b gone) int { return strings.Compare(a.replica+"\x00"+a.report, b.replica+"\x00"+b.report) })
	return all
}

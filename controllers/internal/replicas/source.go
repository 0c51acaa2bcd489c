package replicas

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/d1gateway/d1gateway/api/serving"
)

// queues are where resources are called, by the kind of their main document.
type queues map[serving.Kind]queue

type queue struct {
	work workqueue.TypedRateLimitingInterface[reconcile.Request]
	// all answers every resource of the kind.
	all func() []reconcile.Request
	// isLookedAt says whether the resources of a namespace are this operator's.
	isLookedAt func(namespace string) bool
}

func (q queues) add(resources ...resource) {
	for _, r := range resources {
		if queue, ok := q[r.kind]; ok && queue.isLookedAt(r.key.Namespace) {
			queue.work.Add(reconcile.Request{NamespacedName: r.key})
		}
	}
}

func (q queues) addAll() { q.addWhere(func(string) bool { return true }) }

// addWhere adds the resources one of whose documents is in such an object.
func (q queues) addWhere(isMeant func(object string) bool) {
	for kind, queue := range q {
		for _, request := range queue.all() {
			if slices.ContainsFunc(objectsOf(resource{kind, request.NamespacedName}), isMeant) {
				queue.work.Add(request)
			}
		}
	}
}

// isLookedAt says whether the resources of a namespace are this operator's.
func (t *Tracker) isLookedAt(namespace string) bool {
	return len(t.namespaces) == 0 || slices.Contains(t.namespaces, namespace)
}

// Source calls the resources of a kind about which the replicas say something new. all answers every resource of the kind: they are called
// when there is no live replica any more, and some of them when a replica refuses more documents than it can list.
func (t *Tracker) Source(kind serving.Kind, all func() []reconcile.Request) source.SyncingSource {
	return &calls{t, kind, all}
}

type calls struct {
	tracker *Tracker
	kind    serving.Kind
	all     func() []reconcile.Request
}

// Start takes the queue.
func (c *calls) Start(_ context.Context, work workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	c.tracker.mu.Lock()
	defer c.tracker.mu.Unlock()
	if _, taken := c.tracker.queues[c.kind]; taken {
		return fmt.Errorf("the replicas' source for %s is started twice", c.kind)
	}
	c.tracker.queues[c.kind] = queue{work, c.all, c.tracker.isLookedAt}
	return nil
}

// WaitForSync waits until the reports that were there at first have been taken up: without them every resource would look unserved.
func (c *calls) WaitForSync(ctx context.Context) error {
	err := wait.PollUntilContextCancel(ctx, syncInterval, true, func(context.Context) (bool, error) { return c.tracker.hasSynced(), nil })
	if err != nil {
		return fmt.Errorf("waiting for the replica reports: %w", err)
	}
	return nil
}

const syncInterval = 10 * time.Millisecond

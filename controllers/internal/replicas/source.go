package replicas

import (
	"context"
	"fmt"
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
}

func (q queues) add(resources ...resource) {
	for _, r := range resources {
		if queue, ok := q[r.kind]; ok {
			queue.work.Add(reconcile.Request{NamespacedName: r.key})
		}
	}
}

func (q queues) addAll() {
	for _, queue := range q {
		for _, request := range queue.all() {
			queue.work.Add(request)
		}
	}
}

// Source calls the resources of a kind about which the replicas say something new. all answers every resource of the kind: they are called
// when there has been no live replica for the time of Gap.
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
	c.tracker.queues[c.kind] = queue{work, c.all}
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

package replicas

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Watch has the tracker told of every report and Lease in the cache, which holds those of the system namespace. Call it once, before anything starts.
func (t *Tracker) Watch(ctx context.Context, reports cache.Cache) error {
	for _, watch := range []struct {
		object  client.Object
		handler toolscache.ResourceEventHandler
	}{
		{&v1alpha1.ReplicaReport{}, handler(t.sawReport)},
		{&coordinationv1.Lease{}, handler(t.sawLease)},
	} {
		informer, err := reports.GetInformer(ctx, watch.object, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("watching replica reports: %w", err)
		}
		registration, err := informer.AddEventHandler(watch.handler)
		if err != nil {
			return fmt.Errorf("watching replica reports: %w", err)
		}
		t.synced = append(t.synced, registration.HasSynced)
	}
	return nil
}

// hasSynced says whether all that was there at first has been taken up.
func (t *Tracker) hasSynced() bool {
	for _, done := range t.synced {
		if !done() {
			return false
		}
	}
	return true
}

// handler calls saw with the object, or with nil when it is gone.
func handler[T client.Object](saw func(name string, object T)) toolscache.ResourceEventHandler {
	came := func(object any) {
		if o, ok := object.(T); ok {
			saw(o.GetName(), o)
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    came,
		UpdateFunc: func(_, object any) { came(object) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			if o, ok := object.(T); ok {
				var none T
				saw(o.GetName(), none)
			}
		},
	}
}

// Start looks at the Leases whenever one may have ended, until ctx does. It is a manager.Runnable.
func (t *Tracker) Start(ctx context.Context) error {
	for {
		timer := time.NewTimer(t.untilNext())
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-t.rearm:
			timer.Stop()
		case <-timer.C:
			t.look(ctx)
		}
	}
}

// look looks who is live, and when nobody seems to be asks the API server.
func (t *Tracker) look(ctx context.Context) {
	t.mu.Lock()
	t.settle()
	asks, events := t.asks() && !t.now().Before(t.gap.next()), t.gap.events
	t.mu.Unlock()
	if asks {
		t.ask(ctx, events)
	}
}

// untilNext answers how long nothing can change by time alone.
func (t *Tracker) untilNext() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	next := time.Hour
	for name := range t.live { // those that ended since it was last looked included
		next = min(next, t.pulses[name].ends().Sub(now))
	}
	if t.asks() {
		next = min(next, t.gap.next().Sub(now))
	}
	return max(next, time.Millisecond)
}

// NeedLeaderElection says that the tracker also runs while another operator leads: its knowledge is ready then.
func (t *Tracker) NeedLeaderElection() bool { return false }

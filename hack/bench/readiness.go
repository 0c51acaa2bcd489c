package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// readiness follows, by a watch, which resources of a kind are there and Ready.
type readiness struct {
	mu      sync.Mutex
	there   map[client.ObjectKey]bool // whether it is Ready
	ready   int
	err     error
	changed chan struct{} // buffered by one
}

// follow watches all resources of the kind of list until the session ends. A watch that the API server ends, as it does with one that is
// not read fast enough, is taken up where it was.
func (c *cluster) follow(ctx context.Context, s *session, list client.ObjectList) (*readiness, error) {
	ctx, cancel := context.WithCancel(ctx)
	if err := c.client.List(ctx, list); err != nil {
		cancel()
		return nil, fmt.Errorf("watching: %w", err)
	}
	events, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return c.client.Watch(ctx, list, &client.ListOptions{Raw: &options})
		},
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watching: %w", err)
	}
	r := &readiness{there: map[client.ObjectKey]bool{}, changed: make(chan struct{}, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for event := range events.ResultChan() {
			r.take(event)
		}
		r.fail(errors.New("the watch has ended"))
	}()
	s.cleanup(func() error {
		cancel()
		<-ended
		return nil
	})
	return r, nil
}

func (r *readiness) take(event watch.Event) {
	object, ok := event.Object.(client.Object)
	if !ok || event.Type == watch.Error {
		r.fail(fmt.Errorf("watching: %v", event.Object))
		return
	}
	r.mu.Lock()
	key := client.ObjectKeyFromObject(object)
	if r.there[key] {
		r.ready--
	}
	if event.Type == watch.Deleted {
		delete(r.there, key)
	} else {
		r.there[key] = isReady(object)
	}
	if r.there[key] {
		r.ready++
	}
	r.mu.Unlock()
	r.tell()
}

func (r *readiness) fail(err error) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
	r.tell()
}

func (r *readiness) tell() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// wait waits until so many resources are Ready. One goroutine at a time may wait.
func (r *readiness) wait(ctx context.Context, number int) error {
	return r.until(ctx, func() bool { return r.ready >= number })
}

// waitFor waits until the resource is Ready, or, with gone set, until it is not there.
func (r *readiness) waitFor(ctx context.Context, key client.ObjectKey, gone bool) error {
	return r.until(ctx, func() bool {
		ready, there := r.there[key]
		if gone {
			return !there
		}
		return ready
	})
}

func (r *readiness) until(ctx context.Context, reached func() bool) error {
	for {
		r.mu.Lock()
		done, err, ready, there := reached(), r.err, r.ready, len(r.there)
		r.mu.Unlock()
		if done || err != nil {
			return err
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d are Ready: %w", ready, there, context.Cause(ctx))
		}
	}
}

func isReady(object client.Object) bool {
	var conditions []metav1.Condition
	switch o := object.(type) {
	case *v1alpha1.OAuthClient:
		conditions = o.Status.Conditions
	case *v1alpha1.MerchantGateway:
		conditions = o.Status.Conditions
	}
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == object.GetGeneration()
}

// number is how many are Ready.
func (r *readiness) number() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready
}

package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

func TestEveryNumberIsHandedOutOnce(t *testing.T) {
	var mu sync.Mutex
	var seen []int
	err := inParallel(t.Context(), 5, 55, 8, func(_ context.Context, i int) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, i)
		return nil
	})
	slices.Sort(seen)
	if err != nil || len(seen) != 50 || seen[0] != 5 || seen[49] != 54 || len(slices.Compact(seen)) != 50 {
		t.Errorf("got %v, %v", seen, err)
	}
}

func TestTheFirstErrorEndsTheWork(t *testing.T) {
	broken := errors.New("broken")
	err := inParallel(t.Context(), 0, 1<<40, 4, func(_ context.Context, i int) error {
		if i == 10 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// The floor replaces names in what was recorded byte for byte, also in Protocol Buffers, where lengths are written before texts.
func TestNamesOfClientsHaveOneLength(t *testing.T) {
	sample := newClient(sampleNumber, 1000)
	for _, i := range []int{0, 9, 999, 12345} {
		c := newClient(i, 1000)
		if len(c.Name) != len(sample.Name) || len(c.Namespace) != len(sample.Namespace) || len(c.Spec.GatewayRef.Name) != len(sample.Spec.GatewayRef.Name) {
			t.Errorf("client %d is %s/%s of %s", i, c.Namespace, c.Name, c.Spec.GatewayRef.Name)
		}
		if gateway := newGateway(i % 1000); c.Namespace != gateway.Namespace || c.Spec.GatewayRef.Name != gateway.Name {
			t.Errorf("client %d is not in the namespace of its gateway", i)
		}
	}
}

func TestReadinessFollowsTheWatch(t *testing.T) {
	r := &readiness{there: map[client.ObjectKey]bool{}, changed: make(chan struct{}, 1)}
	c := newClient(1, 1)
	key := client.ObjectKeyFromObject(c)
	event := func(kind watch.EventType, status metav1.ConditionStatus, observed int64) {
		c := c.DeepCopy()
		c.Generation = 2
		c.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, ObservedGeneration: observed}}
		r.take(watch.Event{Type: kind, Object: c})
	}
	for _, step := range []struct {
		kind     watch.EventType
		status   metav1.ConditionStatus
		observed int64
		ready    int
	}{
		{watch.Added, metav1.ConditionFalse, 2, 0},
		{watch.Modified, metav1.ConditionTrue, 1, 0}, // of an earlier spec
		{watch.Modified, metav1.ConditionTrue, 2, 1},
		{watch.Modified, metav1.ConditionTrue, 2, 1},
		{watch.Modified, metav1.ConditionFalse, 2, 0},
		{watch.Modified, metav1.ConditionTrue, 2, 1},
		{watch.Deleted, metav1.ConditionTrue, 2, 0},
	} {
		event(step.kind, step.status, step.observed)
		if got := r.number(); got != step.ready {
			t.Errorf("after %+v %d are Ready", step, got)
		}
	}
	if err := r.waitFor(t.Context(), key, true); err != nil {
		t.Errorf("waiting until it is gone: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for what does not come: %v", err)
	}
	r.take(watch.Event{Type: watch.Error, Object: &metav1.Status{Message: "expired"}})
	if err := r.wait(t.Context(), 1); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the watch has failed: %v", err)
	}
}

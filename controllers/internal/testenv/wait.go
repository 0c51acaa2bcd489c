package testenv

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	deadline = 30 * time.Second
	interval = 20 * time.Millisecond
)

// Eventually polls until check answers nil, and fails the test with its last error after half a minute.
func Eventually(t *testing.T, check func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), interval, deadline, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("it did not happen: %v (%v)", last, err)
	}
}

// WaitFor reads the object again and again until check answers nil. The object holds what was read last.
func (c *Cluster) WaitFor(t *testing.T, object client.Object, check func() error) {
	t.Helper()
	Eventually(t, func() error {
		fresh, ok := reflect.New(reflect.TypeOf(object).Elem()).Interface().(client.Object)
		if !ok {
			return fmt.Errorf("%T is no object", object)
		}
		if err := c.Client.Get(t.Context(), client.ObjectKeyFromObject(object), fresh); err != nil {
			return err
		}
		reflect.ValueOf(object).Elem().Set(reflect.ValueOf(fresh).Elem())
		return check()
	})
}

// WaitGone waits until the object does not exist.
func (c *Cluster) WaitGone(t *testing.T, object client.Object) {
	t.Helper()
	key := client.ObjectKeyFromObject(object)
	Eventually(t, func() error {
		err := c.Client.Get(t.Context(), key, object)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("%s still exists", key)
	})
}

// WaitCondition waits until the condition has the status and the reason and was observed at the resource's generation.
func (c *Cluster) WaitCondition(t *testing.T, object client.Object, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	var got metav1.Condition
	c.WaitFor(t, object, func() error {
		condition := meta.FindStatusCondition(conditionsOf(object), kind)
		if condition == nil {
			return fmt.Errorf("there is no condition %s", kind)
		}
		got = *condition
		if got.Status != status || got.Reason != reason || got.ObservedGeneration != object.GetGeneration() {
			return fmt.Errorf("%s is %s, %s at generation %d of %d: %s", kind, got.Status, got.Reason, got.ObservedGeneration, object.GetGeneration(), got.Message)
		}
		return nil
	})
	return got
}

// WaitReady waits until the resource is ready.
func (c *Cluster) WaitReady(t *testing.T, object client.Object) {
	t.Helper()
	c.WaitCondition(t, object, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
}

func conditionsOf(object client.Object) []metav1.Condition {
	switch o := object.(type) {
	case *v1alpha1.MerchantGateway:
		return o.Status.Conditions
	case *v1alpha1.OAuthClient:
		return o.Status.Conditions
	default:
		return nil
	}
}

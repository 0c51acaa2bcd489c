package oauthclient_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestManyClientsWereDeletedAndSomeStillGotTokens: with more than a hundred at once, comparable operators left some behind; here it is more
// than a thousand. Half are deleted by name, the rest by one call, while they are still being made.
func TestManyClientsWereDeletedAndSomeStillGotTokens(t *testing.T) {
	t.Parallel()
	count := 1100
	if testing.Short() {
		count = 110
	}
	s, _ := withGateway(t, interceptor.Funcs{})
	inParallel(t, count, func(ctx context.Context, i int) error {
		return s.Client.Create(ctx, s.OAuthClient(fmt.Sprintf("client-%d", i), "acme"))
	})
	// Most have a document by now, some have a Secret only, some have nothing yet.
	testenv.Eventually(t, func() error { return mustCount(t, s, func(n int) bool { return n > count/2 }) })
	inParallel(t, count/2, func(ctx context.Context, i int) error {
		return s.Client.Delete(ctx, s.OAuthClient(fmt.Sprintf("client-%d", i), "acme"))
	})
	if err := s.Client.DeleteAllOf(t.Context(), &v1alpha1.OAuthClient{}, client.InNamespace(s.Tenant)); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, func() error {
		if left := howMany(t, s, &v1alpha1.OAuthClientList{}, s.Tenant); left > 0 {
			return fmt.Errorf("%d of %d clients are left", left, count)
		}
		return nil
	})
	testenv.Eventually(t, func() error { return mustCount(t, s, func(n int) bool { return n == 0 }) })

	// And the operator is still there for the next.
	ready(t, s, s.OAuthClient("one-more", "acme"))
	if err := mustCount(t, s, func(n int) bool { return n == 1 }); err != nil {
		t.Error(err)
	}
}

// mustCount answers an error unless the number of Client documents is as it should be. The one other Secret beside them is the gateway's.
func mustCount(t *testing.T, s *testenv.Setting, right func(int) bool) error {
	t.Helper()
	if documents := howMany(t, s, &corev1.SecretList{}, s.System) - 1; !right(documents) {
		return fmt.Errorf("there are %d Client documents", documents)
	}
	return nil
}

// howMany counts objects without reading them.
func howMany(t *testing.T, s *testenv.Setting, list client.ObjectList, namespace string) int {
	t.Helper()
	if err := s.Client.List(t.Context(), list, client.InNamespace(namespace), client.Limit(1)); err != nil {
		t.Fatal(err)
	}
	return meta.LenList(list) + int(ptr.Deref(list.GetRemainingItemCount(), 0))
}

// inParallel does something count times, a few at once.
func inParallel(t *testing.T, count int, do func(ctx context.Context, i int) error) {
	t.Helper()
	next := make(chan int)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for i := range next {
				if err := do(t.Context(), i); err != nil {
					t.Errorf("number %d: %v", i, err)
				}
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	workers.Wait()
}

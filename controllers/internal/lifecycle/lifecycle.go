// Package lifecycle ties what stands in the system namespace to the life of the resource it was made from: owner references do not cross
// namespaces, so a finalizer does it.
package lifecycle

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
)

// Hold adds the finalizer. It comes before the first document, so that none outlives its resource. The error is outcome.ErrGone when
// the resource is gone.
func Hold(ctx context.Context, c client.Client, resource client.Object, kind string) error {
	base := resource.DeepCopyObject().(client.Object)
	if !controllerutil.AddFinalizer(resource, v1alpha1.Finalizer) {
		return nil
	}
	err := patch(ctx, c, resource, base)
	if apierrors.IsNotFound(err) {
		return outcome.ErrGone
	}
	if err != nil {
		return outcome.FailedWrite(kind, client.ObjectKeyFromObject(resource), err)
	}
	return nil
}

// Release calls withdraw for a resource that is being deleted, and then lets it go. Nothing but the API server itself can hold it up:
// documents that are gone, or a system namespace that is gone, are as good as deleted.
func Release(ctx context.Context, c client.Client, resource client.Object, withdraw func() error) error {
	if !controllerutil.ContainsFinalizer(resource, v1alpha1.Finalizer) {
		return nil
	}
	if err := withdraw(); err != nil {
		return err
	}
	base := resource.DeepCopyObject().(client.Object)
	controllerutil.RemoveFinalizer(resource, v1alpha1.Finalizer)
	if err := patch(ctx, c, resource, base); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	return nil
}

// Forget calls withdraw for a resource that is gone without having been released, for example by force. The cache may be behind, so
// the API server is asked whether it is really gone; empty is a resource to read it into.
func Forget(ctx context.Context, live client.Reader, key client.ObjectKey, empty client.Object, withdraw func() error) error {
	err := live.Get(ctx, key, empty)
	if err == nil {
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	return withdraw()
}

// patch changes metadata. It fails when the resource has changed since it was read: a merge patch replaces all finalizers.
func patch(ctx context.Context, c client.Client, resource, base client.Object) error {
	return c.Patch(ctx, resource, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), documents.FieldOwner)
}

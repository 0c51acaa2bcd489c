package oauthclient

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
	"github.com/d1gateway/d1gateway/controllers/internal/ownedsecret"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// ensureFinalizer comes before the first document, so that none outlives its resource.
func (r *Reconciler) ensureFinalizer(ctx context.Context, resource *v1alpha1.OAuthClient) error {
	base := resource.DeepCopy()
	if !controllerutil.AddFinalizer(resource, v1alpha1.Finalizer) {
		return nil
	}
	err := r.patch(ctx, resource, base)
	if apierrors.IsNotFound(err) {
		return outcome.ErrGone
	}
	if err != nil {
		return outcome.FailedWrite("OAuthClient", client.ObjectKeyFromObject(resource), err)
	}
	return nil
}

// program writes what follows from the resource. The Secret comes first: after a crash between the two, the new secret is found in it and
// taken into the document. The other way round its plain text would be lost.
func (r *Reconciler) program(ctx context.Context, resource *v1alpha1.OAuthClient, f found, out translate.ClientOutput) error {
	if err := r.ensureFinalizer(ctx, resource); err != nil {
		return err
	}
	switch out.Action {
	case translate.Write:
		if out.Secret != nil {
			if err := ownedsecret.Write(ctx, r.Client, f.input.Secret, out.Secret); err != nil {
				return err
			}
		}
		if err := r.Documents.Write(ctx, out.Document, f.document); err != nil {
			return err
		}
		r.announceIssued(resource, out.Issued)
		return nil
	case translate.Withdraw:
		withdrawn, err := r.withdraw(ctx, client.ObjectKeyFromObject(resource))
		if withdrawn {
			r.announceWithdrawal(resource)
		}
		return err
	case translate.Keep:
		return nil
	default:
		return fmt.Errorf("action %q is unknown", out.Action)
	}
}

func (r *Reconciler) withdraw(ctx context.Context, resource types.NamespacedName) (bool, error) {
	return r.Documents.Withdraw(ctx, resource, serving.KindClient)
}

// finalize deletes the document of a resource that is being deleted, which ends its tokens, and lets it go. Nothing but the API server
// itself can hold it up: a document that is gone, or a system namespace that is gone, is as good as deleted. A generated Secret is
// owned by the resource and goes with it.
func (r *Reconciler) finalize(ctx context.Context, resource *v1alpha1.OAuthClient) error {
	if !controllerutil.ContainsFinalizer(resource, v1alpha1.Finalizer) {
		return nil
	}
	if _, err := r.withdraw(ctx, client.ObjectKeyFromObject(resource)); err != nil {
		return err
	}
	base := resource.DeepCopy()
	controllerutil.RemoveFinalizer(resource, v1alpha1.Finalizer)
	if err := r.patch(ctx, resource, base); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	return nil
}

// forget deletes the document of a resource that is gone without having been finalized, for example by force: no credential outlives its
// resource. The cache may be behind, so the API server is asked whether the resource is really gone.
func (r *Reconciler) forget(ctx context.Context, resource types.NamespacedName) error {
	err := r.Live.Get(ctx, resource, &v1alpha1.OAuthClient{})
	if err == nil {
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading OAuthClient: %w", err)
	}
	_, err = r.withdraw(ctx, resource)
	return err
}

// patch changes metadata. It fails when the resource has changed since it was read: a merge patch replaces all finalizers.
func (r *Reconciler) patch(ctx context.Context, resource, base *v1alpha1.OAuthClient) error {
	return r.Client.Patch(ctx, resource, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), documents.FieldOwner)
}

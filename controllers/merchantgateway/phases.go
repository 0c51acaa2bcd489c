package merchantgateway

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
func (r *Reconciler) ensureFinalizer(ctx context.Context, gateway *v1alpha1.MerchantGateway) error {
	base := gateway.DeepCopy()
	if !controllerutil.AddFinalizer(gateway, v1alpha1.Finalizer) {
		return nil
	}
	err := r.patch(ctx, gateway, base)
	if apierrors.IsNotFound(err) {
		return outcome.ErrGone
	}
	if err != nil {
		return outcome.FailedWrite("MerchantGateway", client.ObjectKeyFromObject(gateway), err)
	}
	return nil
}

// program writes what follows from the resource, in the order that a crash between two writes does no harm: the delivery signing secret
// that backends verify with, the material that documents name, and then the document that names it.
func (r *Reconciler) program(ctx context.Context, gateway *v1alpha1.MerchantGateway, f found, out translate.GatewayOutput) error {
	if err := r.ensureFinalizer(ctx, gateway); err != nil {
		return err
	}
	switch out.Action {
	case translate.Write:
		if secret := out.SigningSecret; secret != nil {
			current := f.input.Secrets[secret.Name]
			if err := ownedsecret.Write(ctx, r.Client, current, secret); err != nil {
				return err
			}
			r.announceSigningSecret(gateway, current, secret)
		}
		if err := r.Documents.Write(ctx, out.Secrets, f.secrets); err != nil {
			return err
		}
		return r.Documents.Write(ctx, out.Document, f.document)
	case translate.Withdraw:
		withdrawn, err := r.withdraw(ctx, client.ObjectKeyFromObject(gateway))
		if withdrawn {
			r.announceWithdrawal(gateway)
		}
		return err
	case translate.Keep:
		return nil
	default:
		return fmt.Errorf("action %q is unknown", out.Action)
	}
}

func (r *Reconciler) withdraw(ctx context.Context, gateway types.NamespacedName) (bool, error) {
	return r.Documents.Withdraw(ctx, gateway, serving.KindGateway, serving.KindGatewaySecrets)
}

// finalize deletes the documents of a resource that is being deleted, and lets it go. Nothing but the API server itself can hold it up:
// documents that are gone, or a system namespace that is gone, are as good as deleted.
func (r *Reconciler) finalize(ctx context.Context, gateway *v1alpha1.MerchantGateway) error {
	if !controllerutil.ContainsFinalizer(gateway, v1alpha1.Finalizer) {
		return nil
	}
	if _, err := r.withdraw(ctx, client.ObjectKeyFromObject(gateway)); err != nil {
		return err
	}
	base := gateway.DeepCopy()
	controllerutil.RemoveFinalizer(gateway, v1alpha1.Finalizer)
	if err := r.patch(ctx, gateway, base); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	return nil
}

// forget deletes the documents of a resource that is gone without having been finalized, for example by force. The cache may be
// behind, so the API server is asked whether the resource is really gone.
func (r *Reconciler) forget(ctx context.Context, gateway types.NamespacedName) error {
	err := r.Live.Get(ctx, gateway, &v1alpha1.MerchantGateway{})
	if err == nil {
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading MerchantGateway: %w", err)
	}
	_, err = r.withdraw(ctx, gateway)
	return err
}

// patch changes metadata. It fails when the resource has changed since it was read: a merge patch replaces all finalizers.
func (r *Reconciler) patch(ctx context.Context, gateway, base *v1alpha1.MerchantGateway) error {
	return r.Client.Patch(ctx, gateway, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), documents.FieldOwner)
}

package oauthclient

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// updateStatus is the one place that writes the status, and only when it differs. writeErr, when not nil, is the write that failed: then the
// conditions say so, and the rest shows what is served as before.
func (r *Reconciler) updateStatus(ctx context.Context, resource *v1alpha1.OAuthClient, status v1alpha1.OAuthClientStatus, writeErr error) error {
	base := resource.DeepCopy()
	if writeErr != nil {
		conditions := status.Conditions
		status = *base.Status.DeepCopy()
		status.Conditions = conditions
	}
	var also []string
	if outcome.OfObject(writeErr, "Secret", resource.Namespace, translate.ClientSecretName(resource)) {
		also = append(also, v1alpha1.ConditionCredentialsReady)
	}
	status.Conditions = outcome.Downgrade(status.Conditions, writeErr, resource.Generation, also...)
	status.Conditions = outcome.Conditions(base.Status.Conditions, status.Conditions, r.Now())
	if equality.Semantic.DeepEqual(base.Status, status) {
		return nil
	}
	resource.Status = status
	patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
	err := r.Client.Status().Patch(ctx, resource, patch, documents.FieldOwner)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	outcome.Announce(r.Recorder, resource, base.Status.Conditions, status.Conditions)
	return nil
}

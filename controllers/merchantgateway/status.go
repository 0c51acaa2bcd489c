package merchantgateway

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
)

// unclaim takes out of a status what is only true when every replica serves the documents.
func unclaim(status *v1alpha1.MerchantGatewayStatus, before v1alpha1.MerchantGatewayStatus) {
	status.TokenURLs, status.NotificationURL = before.TokenURLs, before.NotificationURL
	status.WithdrawnKeys = before.WithdrawnKeys
	status.LastHandledRotationRequest = before.LastHandledRotationRequest
	status.LastHandledSigningRotationRequest = before.LastHandledSigningRotationRequest
}

// updateStatus is the one place that writes the status, and only when it differs. writeErr, when not nil, is the write that failed: then the
// conditions say so, and the rest shows what is served as before.
func (r *Reconciler) updateStatus(ctx context.Context, gateway *v1alpha1.MerchantGateway, status v1alpha1.MerchantGatewayStatus, writeErr error) error {
	base := gateway.DeepCopy()
	if writeErr != nil {
		conditions := status.Conditions
		status = *base.Status.DeepCopy()
		status.Conditions = conditions
	}
	status.Conditions = outcome.Downgrade(status.Conditions, writeErr, gateway.Generation)
	status.Conditions = outcome.Conditions(base.Status.Conditions, status.Conditions, r.Now())
	if equality.Semantic.DeepEqual(base.Status, status) {
		return nil
	}
	gateway.Status = status
	patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
	err := r.Client.Status().Patch(ctx, gateway, patch, documents.FieldOwner)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	outcome.Announce(r.Recorder, gateway, base.Status.Conditions, status.Conditions)
	return nil
}

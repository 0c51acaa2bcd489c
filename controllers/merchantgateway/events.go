package merchantgateway

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Reasons of events that follow from no condition.
const (
	// EventSigningSecretCreated: the Secret with the generated delivery signing secret was created, or created again.
	EventSigningSecretCreated = "SigningSecretCreated"
	// EventWithdrawn: the serving documents were deleted, the gateway is no longer served.
	EventWithdrawn = "Withdrawn"
)

func (r *Reconciler) announceSigningSecret(gateway *v1alpha1.MerchantGateway, before, after *corev1.Secret) {
	if before == nil {
		r.Recorder.Eventf(gateway, after, corev1.EventTypeNormal, EventSigningSecretCreated, "CreateSecret",
			"Secret %q holds the secret that deliveries are signed with", after.Name)
	}
}

func (r *Reconciler) announceWithdrawal(gateway *v1alpha1.MerchantGateway) {
	r.Recorder.Eventf(gateway, nil, corev1.EventTypeWarning, EventWithdrawn, "Withdraw", "The gateway is no longer served")
}

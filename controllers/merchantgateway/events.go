package merchantgateway

import (
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// Reasons of events that follow from no condition.
const (
	// EventSigningSecretCreated: the Secret with the generated delivery signing secret was created, or created again.
	EventSigningSecretCreated = "SigningSecretCreated"
	// EventNotificationsDiscarded: the gateway was let go although notifications waited for their delivery.
	EventNotificationsDiscarded = "NotificationsDiscarded"
	// EventWithdrawn: the serving documents were deleted, the gateway is no longer served.
	EventWithdrawn = "Withdrawn"
)

func (r *Reconciler) announceSigningSecret(gateway *v1alpha1.MerchantGateway, before, after *corev1.Secret) {
	if before == nil {
		r.Recorder.Eventf(gateway, after, corev1.EventTypeNormal, EventSigningSecretCreated, "CreateSecret",
			"Secret %q shows what verifies deliveries", after.Name)
	}
}

// announceKeys says which keys were made, shown and lost, and which is accepted no longer.
func (r *Reconciler) announceKeys(gateway *v1alpha1.MerchantGateway, changes []translate.KeyEvent) {
	for _, e := range changes {
		kind := corev1.EventTypeNormal
		if e.Reason == translate.EventSigningKeyWithdrawn || e.Reason == translate.EventDeliverySigningKeyLost {
			kind = corev1.EventTypeWarning
		}
		r.Recorder.Eventf(gateway, nil, kind, e.Reason, "RotateSigningKey", "%s", e.Message)
	}
}

// announceDiscarded says how many notifications a deletion gives up.
func (r *Reconciler) announceDiscarded(gateway *v1alpha1.MerchantGateway) {
	if left, _ := r.Replicas.Undelivered(client.ObjectKeyFromObject(gateway), gateway.UID); left > 0 {
		r.Recorder.Eventf(gateway, nil, corev1.EventTypeWarning, EventNotificationsDiscarded, "Discard", "%d notifications are given up: they stay in the servers' stores and are not delivered", left)
	}
}

func (r *Reconciler) announceWithdrawal(gateway *v1alpha1.MerchantGateway) {
	r.Recorder.Eventf(gateway, nil, corev1.EventTypeWarning, EventWithdrawn, "Withdraw", "The gateway is no longer served")
}

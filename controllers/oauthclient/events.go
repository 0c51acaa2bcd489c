package oauthclient

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Reasons of events that follow from no condition.
const (
	// EventSecretIssued: a client secret was made, or a new one was found in the Secret.
	EventSecretIssued = "SecretIssued"
	// EventWithdrawn: the serving document was deleted, the client gets no token any more and its live tokens have ended.
	EventWithdrawn = "Withdrawn"
)

// announceIssued says why a new secret is in use, never which.
func (r *Reconciler) announceIssued(resource *v1alpha1.OAuthClient, why string) {
	if why == "" {
		return
	}
	r.Metrics.SecretIssued()
	r.Recorder.Eventf(resource, nil, corev1.EventTypeNormal, EventSecretIssued, "IssueSecret", "%s", why)
}

func (r *Reconciler) announceWithdrawal(resource *v1alpha1.OAuthClient) {
	r.Recorder.Eventf(resource, nil, corev1.EventTypeWarning, EventWithdrawn, "Withdraw", "The client gets no token any more")
}

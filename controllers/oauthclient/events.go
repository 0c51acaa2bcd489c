package oauthclient

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// Reasons of events that follow from no condition.
const (
	// EventSecretIssued: a client secret was made, or a new one was found in the Secret.
	EventSecretIssued = "SecretIssued"
	// EventSecretShown: every server replica accepts the new client_secret, and the Secret shows it: it can be handed to Thales.
	EventSecretShown = "SecretShown"
	// EventSecretEnded: a former secret works no longer: its overlap is over, or nobody used it any more.
	EventSecretEnded = "SecretEnded"
	// EventSecretRestored: a client_secret that somebody deleted has been put back.
	EventSecretRestored = "SecretRestored"
	// EventWithdrawn: the serving document was deleted, the client gets no token any more and its live tokens have ended.
	EventWithdrawn = "Withdrawn"
	// EventSuspended and EventResumed: spec.state is in force.
	EventSuspended = "Suspended"
	EventResumed   = "Resumed"
)

// announceSecret says what has become of the secret and why, never which it is.
func (r *Reconciler) announceSecret(resource *v1alpha1.OAuthClient, before *serving.Client, out translate.ClientOutput) {
	if out.Issued != "" {
		r.Metrics.SecretIssued()
	}
	for _, event := range []struct{ reason, action, note string }{
		{EventSecretRestored, "RestoreSecret", out.Restored},
		{EventSecretIssued, "IssueSecret", out.Issued},
		{EventSecretShown, "ShowSecret", out.Shown},
		{EventSecretEnded, "EndSecret", endedNote(before, out.Document)},
	} {
		if event.note != "" {
			r.Recorder.Eventf(resource, nil, corev1.EventTypeNormal, event.reason, event.action, "%s", event.note)
		}
	}
}

// endedNote names the secrets that the document lists no longer, by their ids; empty when there are none.
func endedNote(before, after *serving.Client) string {
	if before == nil || len(after.Credentials) == 0 {
		return ""
	}
	var ended []string
	for _, c := range before.Credentials {
		if !slices.ContainsFunc(after.Credentials, func(k serving.Credential) bool { return k.ID == c.ID }) {
			ended = append(ended, c.ID)
		}
	}
	if len(ended) == 0 {
		return ""
	}
	return "The former client_secret no longer works: credential " + strings.Join(ended, ", ")
}

func (r *Reconciler) announceWithdrawal(resource *v1alpha1.OAuthClient) {
	r.Recorder.Eventf(resource, nil, corev1.EventTypeWarning, EventWithdrawn, "Withdraw", "The client gets no token any more")
}

// announceState says when a client is suspended and when it is so no longer.
func (r *Reconciler) announceState(resource *v1alpha1.OAuthClient, before, after *serving.Client) {
	switch was := before != nil && before.Suspended; {
	case after.Suspended && !was:
		r.Recorder.Eventf(resource, nil, corev1.EventTypeNormal, EventSuspended, "Suspend", "The client gets no token, and no token that it has works any more")
	case was && !after.Suspended:
		r.Recorder.Eventf(resource, nil, corev1.EventTypeNormal, EventResumed, "Resume", "The client gets tokens again; those from before its suspension stay dead")
	}
}

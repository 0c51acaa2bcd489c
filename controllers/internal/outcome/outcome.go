// Package outcome says what came of a reconcile: conditions, failed writes, and when to look again.
package outcome

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// ErrGone is that the resource itself does not exist any more.
var ErrGone = errors.New("the resource is gone")

// WriteError is a write that the API server did not accept.
type WriteError struct {
	// Kind and Key are of the object that was written.
	Kind string
	Key  types.NamespacedName
	Err  error
}

// FailedWrite wraps the error of a write to an object.
func FailedWrite(kind string, key types.NamespacedName, err error) error {
	return &WriteError{Kind: kind, Key: key, Err: err}
}

// Error says what was written and what the API server answered.
func (e *WriteError) Error() string { return fmt.Sprintf("writing %s %s: %v", e.Kind, e.Key, e.Err) }

// Unwrap answers the API server's error.
func (e *WriteError) Unwrap() error { return e.Err }

// describe answers a message for a condition: stable while the cause is the same, and free of what an admission webhook may have
// repeated of a Secret.
func (e *WriteError) describe() string {
	object := e.Kind + " " + e.Key.String()
	reason := apierrors.ReasonForError(e.Err)
	switch {
	case reason == metav1.StatusReasonUnknown:
		return object + " could not be written: there was no proper answer from the API server; it is tried again"
	case reason == metav1.StatusReasonNotFound && missingKind(e.Err) == "namespaces":
		return fmt.Sprintf("%s could not be written: namespace %q does not exist; create it, it is tried again", object, e.Key.Namespace)
	default:
		return fmt.Sprintf("%s could not be written: the API server answered %s%s; it is tried again", object, reason, fieldCauses(e.Err))
	}
}

// OfObject says whether err is a failed write to that object.
func OfObject(err error, kind, namespace, name string) bool {
	var failed *WriteError
	return errors.As(err, &failed) && failed.Kind == kind && failed.Key == types.NamespacedName{Namespace: namespace, Name: name}
}

func missingKind(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return ""
	}
	return status.Status().Details.Kind
}

// Moot says whether a write has failed because the resource is gone, or about to go with its namespace. Then there is nothing to do but
// to wait for its deletion.
func Moot(err error, namespace string) bool {
	if errors.Is(err, ErrGone) {
		return true
	}
	var failed *WriteError
	return errors.As(err, &failed) && failed.Key.Namespace == namespace && apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// Downgrade makes Programmed, Ready and the conditions of the types in also say that a write failed, when err is not nil.
func Downgrade(conditions []metav1.Condition, err error, generation int64, also ...string) []metav1.Condition {
	if err == nil {
		return conditions
	}
	message := "The configuration could not be written; the log of the operator says why, and it is tried again"
	var failed *WriteError
	if errors.As(err, &failed) {
		message = failed.describe()
	}
	for _, kind := range append(also, v1alpha1.ConditionProgrammed, v1alpha1.ConditionReady) {
		meta.SetStatusCondition(&conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionFalse, ObservedGeneration: generation,
			Reason: v1alpha1.ReasonWriteFailed, Message: message,
		})
	}
	return conditions
}

// Conditions answers next as it is written: with card numbers masked in the messages, and with its transition times, that of the condition
// before while the status is the same, else now.
func Conditions(before, next []metav1.Condition, now time.Time) []metav1.Condition {
	dated := make([]metav1.Condition, len(next))
	for i, condition := range next {
		condition.Message = serving.MaskCardNumbers(condition.Message)
		condition.LastTransitionTime = metav1.NewTime(now.UTC().Truncate(time.Second))
		if old := meta.FindStatusCondition(before, condition.Type); old != nil && old.Status == condition.Status {
			condition.LastTransitionTime = old.LastTransitionTime
		}
		dated[i] = condition
	}
	return dated
}

// longestWait bounds how long a resource goes unlooked at, so that a wrong clock or a lost event heals by itself.
const longestWait = 10 * time.Hour

// RequeueAfter answers how long to wait until next; zero when next is zero.
func RequeueAfter(next, now time.Time) time.Duration {
	if next.IsZero() {
		return 0
	}
	return min(max(next.Sub(now), time.Second), longestWait)
}

// Sooner answers the shorter of two waits; 0 stands for none.
func Sooner(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// Superseded says whether a write was refused because what it was decided upon has changed since. Looking again is all it takes.
func Superseded(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)
}

// LookAgain is how long to wait after Superseded, for the cache to see what has changed.
const LookAgain = 200 * time.Millisecond

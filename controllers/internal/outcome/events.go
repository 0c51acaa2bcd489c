package outcome

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// ActionReconcile is the action of every event that follows from a condition.
const ActionReconcile = "Reconcile"

// Announce sends one event for each condition that has become worse, or bad for another reason, and one when Ready has become True.
// A reconcile that changes nothing sends none.
func Announce(recorder events.EventRecorder, object runtime.Object, before, after []metav1.Condition) {
	for _, condition := range after {
		if condition.Type != v1alpha1.ConditionReady && turnedBad(before, condition) {
			recorder.Eventf(object, nil, corev1.EventTypeWarning, condition.Reason, ActionReconcile, "%s", note(condition.Message))
		}
	}
	if meta.IsStatusConditionTrue(after, v1alpha1.ConditionReady) && !meta.IsStatusConditionTrue(before, v1alpha1.ConditionReady) {
		recorder.Eventf(object, nil, corev1.EventTypeNormal, v1alpha1.ReasonReady, ActionReconcile, "Every live server replica serves the configuration")
	}
}

// turnedBad leaves out what only follows from another condition, of the same resource or of its gateway: that has an event of its own, and a
// gateway that was applied together with its clients is served a moment after them.
func turnedBad(before []metav1.Condition, condition metav1.Condition) bool {
	if condition.Status != metav1.ConditionFalse {
		return false
	}
	switch condition.Reason {
	case v1alpha1.ReasonNotProgrammed, v1alpha1.ReasonCredentialsPending, v1alpha1.ReasonGatewayNotServed, v1alpha1.ReasonDraining:
		return false
	}
	old := meta.FindStatusCondition(before, condition.Type)
	return old == nil || old.Status != condition.Status || old.Reason != condition.Reason
}

// note shortens a message to what an event can hold: the API server refuses more than 1024 bytes.
func note(message string) string {
	const most = 1024
	if len(message) <= most {
		return message
	}
	const dots = "..."
	return strings.ToValidUTF8(message[:most-len(dots)], "") + dots
}

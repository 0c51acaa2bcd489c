package translate

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// verdict is what a condition says.
type verdict struct {
	status          metav1.ConditionStatus
	reason, message string
}

func yes(reason, message string) verdict { return verdict{metav1.ConditionTrue, reason, message} }

func no(reason, message string) verdict { return verdict{metav1.ConditionFalse, reason, message} }

func (v verdict) holds() bool { return v.status == metav1.ConditionTrue }

// judgement is a condition type and what is said of it.
type judgement struct {
	condition string
	verdict
}

// conditionsOf answers the conditions in the given order, causes before effects, and Ready, which takes reason and message
// of the first that does not hold.
func conditionsOf(generation int64, judgements ...judgement) []metav1.Condition {
	ready := yes(v1alpha1.ReasonReady, "Every other condition is True")
	var conditions []metav1.Condition
	add := func(condition string, v verdict) {
		conditions = append(conditions, metav1.Condition{Type: condition, Status: v.status, Reason: v.reason, Message: v.message, ObservedGeneration: generation})
	}
	for _, j := range judgements {
		add(j.condition, j.verdict)
		if ready.holds() && !j.holds() {
			ready = no(j.reason, fmt.Sprintf("%s is %s: %s", j.condition, j.status, j.message))
		}
	}
	add(v1alpha1.ConditionReady, ready)
	return conditions
}

// programmed says what becomes of the documents. reasons are the judgements that led to it.
func programmed(action Action, hasPrevious bool, reasons ...judgement) verdict {
	blocker := ""
	for _, j := range reasons {
		if !j.holds() {
			blocker = j.condition
			break
		}
	}
	switch {
	case action == Write:
		return yes(v1alpha1.ReasonProgrammed, "The serving documents are written")
	case action == Keep && hasPrevious:
		return no(v1alpha1.ReasonNotProgrammed, blocker+" says what stands against this configuration; the last good one serves on")
	default:
		return no(v1alpha1.ReasonNotProgrammed, blocker+" says what stands against it; nothing is served")
	}
}

// problem is a reference that does not resolve.
type problem struct {
	reason, message string
}

func problemAt(at *field.Path, reason, format string, args ...any) problem {
	return problem{reason, at.String() + ": " + fmt.Sprintf(format, args...)}
}

// problemsInMessage bounds a condition's message: who mends the first few sees the next ones.
const problemsInMessage = 5

// resolvedRefs answers the verdict over problems, in the order they were found; the reason is that of the first.
func resolvedRefs(problems []problem) verdict {
	if len(problems) == 0 {
		return yes(v1alpha1.ReasonResolvedRefs, "Every reference resolves")
	}
	var messages []string
	for _, p := range problems[:min(len(problems), problemsInMessage)] {
		messages = append(messages, p.message)
	}
	if more := len(problems) - problemsInMessage; more > 0 {
		messages = append(messages, fmt.Sprintf("and %d more", more))
	}
	return no(problems[0].reason, strings.Join(messages, "; "))
}

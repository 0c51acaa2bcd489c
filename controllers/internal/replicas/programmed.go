package replicas

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// patience is how long a status is held back while replicas take up what was written: one change is then one write of the status, and Ready
// does not flap.
const patience = 10 * time.Second

// Judgement is what becomes of the status of a resource whose documents are written.
type Judgement struct {
	Conditions []metav1.Condition
	// Hold says that the status is not to be written yet. The resource is called again when there is something to say.
	Hold bool
	// Again is how long that may take at most; 0 when only the replicas decide.
	Again time.Duration
	// Served says that every live replica serves the documents: what the status claims of them is true.
	Served bool
}

// Judge makes conditions, which say that the documents in needs are written, say what the replicas do with them. Where they say that something stands
// against the resource, needs are the documents that serve on. before are the conditions that the resource has.
func (t *Tracker) Judge(kind serving.Kind, key types.NamespacedName, needs []Need, before, conditions []metav1.Condition) Judgement {
	written := meta.FindStatusCondition(conditions, v1alpha1.ConditionProgrammed)
	whole := written != nil && written.Status == metav1.ConditionTrue
	standing, since := t.Wait(kind, key, needs)
	left := since.Add(patience).Sub(t.now())
	switch {
	case standing.Served():
		if whole {
			written.Message = "Every live server replica serves this configuration"
		}
		return Judgement{Conditions: conditions, Served: true}
	case !whole && standing.Live > 0 && len(standing.Refused) == 0 && left > 0:
		return Judgement{Hold: true, Again: left}
	case !whole: // something stands against it, which is to be said in any case
		return Judgement{Conditions: conditions}
	case len(standing.Refused) > 0:
		return Judgement{Conditions: notProgrammed(conditions, v1alpha1.ReasonDocumentRefused, refusedMessage(standing.Refused))}
	case standing.Gap && wasProgrammed(before, written.ObservedGeneration):
		return Judgement{Hold: true, Again: Gap}
	case standing.Live == 0:
		return Judgement{Conditions: notProgrammed(conditions, v1alpha1.ReasonNoReplicas, "The configuration is written, but no server replica is live to serve it")}
	case left > 0:
		return Judgement{Hold: true, Again: left}
	}
	return Judgement{Conditions: notProgrammed(conditions, v1alpha1.ReasonReplicasBehind, behindMessage(standing.Behind))}
}

// Served says whether every live replica serves the documents.
func (t *Tracker) Served(needs ...Need) bool { return t.Standing(needs).Served() }

func wasProgrammed(conditions []metav1.Condition, generation int64) bool {
	programmed := meta.FindStatusCondition(conditions, v1alpha1.ConditionProgrammed)
	return programmed != nil && programmed.Status == metav1.ConditionTrue && programmed.ObservedGeneration == generation
}

// notProgrammed answers the conditions with a Programmed that is False, and Ready with it.
func notProgrammed(conditions []metav1.Condition, reason, message string) []metav1.Condition {
	for i := range conditions {
		switch c := &conditions[i]; {
		case c.Type == v1alpha1.ConditionProgrammed:
			c.Status, c.Reason, c.Message = metav1.ConditionFalse, reason, message
		case c.Type == v1alpha1.ConditionReady && c.Status == metav1.ConditionTrue:
			c.Status, c.Reason, c.Message = metav1.ConditionFalse, reason, v1alpha1.ConditionProgrammed+" is False: "+message
		}
	}
	return conditions
}

// named is how many replicas a message names.
const named = 5

func refusedMessage(all []Refusal) string {
	first := all[0]
	message := fmt.Sprintf("Server replica %q refuses the document %s: %s", first.Replica, first.Object, first.Message)
	if more := len(all) - 1; more > 0 {
		message += fmt.Sprintf("; and %d more refusals", more)
	}
	return message
}

func behindMessage(behind []string) string {
	var some []string
	for _, name := range behind[:min(len(behind), named)] {
		some = append(some, fmt.Sprintf("%q", name))
	}
	if more := len(behind) - named; more > 0 {
		some = append(some, fmt.Sprintf("and %d more", more))
	}
	return "The configuration is written, but server replicas do not serve it yet: " + strings.Join(some, ", ")
}

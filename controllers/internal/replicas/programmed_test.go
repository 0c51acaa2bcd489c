package replicas

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// judged is what one judgement says, in short.
type judged struct {
	hold       bool
	programmed metav1.ConditionStatus
	reason     string
}

func (w *world) judge(name string, version int, before []metav1.Condition) Judgement {
	return w.Judge(serving.KindClient, named1(name), clientNeed(name, version), before, written(2))
}

func mustJudge(t *testing.T, when string, got Judgement, want judged) {
	t.Helper()
	if got.Hold != want.hold {
		t.Errorf("%s: the status is held back: %t", when, got.Hold)
	}
	if want.hold {
		if got.Again <= 0 {
			t.Errorf("%s: it is held back for good", when)
		}
		return
	}
	for _, kind := range []string{v1alpha1.ConditionProgrammed, v1alpha1.ConditionReady} {
		c := meta.FindStatusCondition(got.Conditions, kind)
		reason := want.reason
		if want.programmed == metav1.ConditionTrue && kind == v1alpha1.ConditionReady {
			reason = v1alpha1.ReasonReady
		}
		if c.Status != want.programmed || c.Reason != reason {
			t.Errorf("%s: %s is %s, %s, want %s, %s", when, kind, c.Status, c.Reason, want.programmed, reason)
		}
	}
}

func TestAStatusIsHeldBackForTenSeconds(t *testing.T) {
	w := newWorld(t)
	w.beats("a", "b")
	w.serves("a", 7, 1)
	w.serves("b", 6, 1)
	got := w.judge("thales-d1", 7, nil)
	mustJudge(t, "at first", got, judged{hold: true})
	if got.Again != patience {
		t.Errorf("it is looked at again after %s", got.Again)
	}
	w.time = w.time.Add(patience - time.Second)
	if got = w.judge("thales-d1", 7, nil); !got.Hold || got.Again != time.Second {
		t.Errorf("after nine seconds: %+v", got)
	}
	w.time = w.time.Add(time.Second)
	got = w.judge("thales-d1", 7, nil)
	mustJudge(t, "after ten seconds", got, judged{programmed: metav1.ConditionFalse, reason: v1alpha1.ReasonReplicasBehind})
	if c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionProgrammed); !strings.Contains(c.Message, `"b"`) || strings.Contains(c.Message, `"a"`) {
		t.Errorf("it does not name who is behind: %s", c.Message)
	}
	mustJudge(t, "when something else is written", w.judge("thales-d1", 8, nil), judged{hold: true})
	w.serves("a", 8, 1)
	w.serves("b", 8, 1)
	mustJudge(t, "when both have caught up", w.judge("thales-d1", 8, nil), judged{programmed: metav1.ConditionTrue, reason: v1alpha1.ReasonProgrammed})
	if len(w.waiting) != 0 {
		t.Errorf("somebody still waits: %v", w.waiting)
	}
}

func TestWithoutAReplica(t *testing.T) {
	none := judged{programmed: metav1.ConditionFalse, reason: v1alpha1.ReasonNoReplicas}
	for name, c := range map[string]struct {
		before []metav1.Condition
		since  time.Duration
		want   judged
	}{
		"what was never programmed is not, at once":   {nil, 0, none},
		"what was programmed is for two minutes":      {written(2), Gap - time.Second, judged{hold: true}},
		"what was programmed is not after that":       {written(2), Gap, none},
		"an earlier generation that was is not":       {written(1), 0, none},
		"what was not programmed before is not still": {notProgrammed(written(2), v1alpha1.ReasonReplicasBehind, ""), 0, none},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.passes(c.since)
			w.clients.take()
			mustJudge(t, "without a replica", w.judge("thales-d1", 7, c.before), c.want)
			w.time = w.time.Add(patience)
			// When one comes it is said; it has ten seconds to load.
			w.beats("a")
			mustCall(t, "when one comes", w.clients, "thales-d1")
			mustJudge(t, "when one comes", w.judge("thales-d1", 7, c.before), judged{hold: true})
			w.serves("a", 7, 1)
			mustCall(t, "when it has loaded", w.clients, "thales-d1")
			mustJudge(t, "when it has loaded", w.judge("thales-d1", 7, c.before), judged{programmed: metav1.ConditionTrue, reason: v1alpha1.ReasonProgrammed})
		})
	}
}

func TestARefusalIsSaidAtOnceAndOnce(t *testing.T) {
	w := newWorld(t)
	w.beats("a", "b")
	w.serves("a", 7, 1)
	w.serves("b", 7, 1, v1alpha1.RefusedDocument{Object: objectOf(serving.KindClient, "thales-d1"), Message: "it is damaged"})
	w.clients.take()
	got := w.judge("thales-d1", 7, written(2))
	mustJudge(t, "when it is refused", got, judged{programmed: metav1.ConditionFalse, reason: v1alpha1.ReasonDocumentRefused})
	if c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady); !strings.Contains(c.Message, "it is damaged") || !strings.Contains(c.Message, `"b"`) {
		t.Errorf("it does not say who refuses it and why: %s", c.Message)
	}
	for range 3 {
		w.judge("thales-d1", 7, written(2))
		w.serves("b", 7, 1, v1alpha1.RefusedDocument{Object: objectOf(serving.KindClient, "thales-d1"), Message: "it is damaged"})
		w.beats("a", "b")
		mustCall(t, "while nothing changes", w.clients)
	}
	w.serves("b", 7, 1, v1alpha1.RefusedDocument{Object: objectOf(serving.KindClient, "thales-d1"), Message: "it is expired"})
	mustCall(t, "when another message is given", w.clients, "thales-d1")
	w.judge("thales-d1", 7, written(2))
	w.serves("b", 7, 1)
	mustCall(t, "when it is taken", w.clients, "thales-d1")
	mustJudge(t, "when it is taken", w.judge("thales-d1", 7, nil), judged{programmed: metav1.ConditionTrue, reason: v1alpha1.ReasonProgrammed})
}

func TestWhatIsNotWrittenIsNotJudged(t *testing.T) {
	w := newWorld(t)
	w.beats("a")
	mustJudge(t, "behind", w.judge("thales-d1", 7, nil), judged{hold: true})
	conditions := notProgrammed(written(2), v1alpha1.ReasonNotProgrammed, "why")
	got := w.Judge(serving.KindClient, named1("thales-d1"), nil, nil, conditions)
	mustJudge(t, "not written", got, judged{programmed: metav1.ConditionFalse, reason: v1alpha1.ReasonNotProgrammed})
	if len(w.waiting) != 0 {
		t.Error("it still waits")
	}
	if got := w.Judge(serving.KindClient, named1("thales-d1"), nil, nil, nil); got.Hold || len(got.Conditions) != 0 {
		t.Errorf("without conditions: %+v", got)
	}
}

func TestReadyStaysAsItIsWhenItIsFalseForAnotherReason(t *testing.T) {
	conditions := written(2)
	meta.SetStatusCondition(&conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonSecretNotFound})
	got := newWorld(t).Judge(serving.KindClient, named1("thales-d1"), clientNeed("thales-d1", 7), nil, conditions)
	if c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady); c.Reason != v1alpha1.ReasonSecretNotFound {
		t.Errorf("Ready is %s", c.Reason)
	}
	if c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionProgrammed); c.Reason != v1alpha1.ReasonNoReplicas {
		t.Errorf("Programmed is %s", c.Reason)
	}
}

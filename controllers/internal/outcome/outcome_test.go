package outcome_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
)

var key = types.NamespacedName{Namespace: "d1gateway-system", Name: "client.payments.thales-d1"}

func good() []metav1.Condition {
	return []metav1.Condition{
		{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAccepted},
		{Type: v1alpha1.ConditionProgrammed, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonProgrammed},
		{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady},
	}
}

func terminating() error {
	err := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, errors.New("being terminated"))
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	return err
}

func refusedFor(causes ...metav1.StatusCause) error {
	err := apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, key.Name, nil)
	err.ErrStatus.Details.Causes = causes
	return err
}

func TestAFailedWriteIsSaidInTheConditions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		says string
	}{
		"refused":           {outcome.FailedWrite("Secret", key, apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "x", errors.New("hidden"))), "Forbidden"},
		"namespace missing": {outcome.FailedWrite("Secret", key, apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, key.Namespace)), "create it"},
		"refused for a field": {outcome.FailedWrite("Secret", key, refusedFor(
			metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: "metadata.name", Message: `Invalid value: "hidden"`},
			metav1.StatusCause{Type: "FieldValueForbidden", Field: "data"},
			metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: "hidden"},
			metav1.StatusCause{Type: "hidden", Field: "data"},
			metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: "data[hidden: x]"},
		)), "Invalid (metadata.name: FieldValueInvalid, data: FieldValueForbidden);"},
		"no answer":                 {outcome.FailedWrite("Secret", key, errors.New("hidden")), key.String()},
		"wrapped":                   {fmt.Errorf("doing: %w", outcome.FailedWrite("Secret", key, errors.New("hidden"))), key.String()},
		"something else went wrong": {errors.New("hidden"), "log of the operator"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := outcome.Downgrade(good(), tc.err, 7)
			for _, kind := range []string{v1alpha1.ConditionProgrammed, v1alpha1.ConditionReady} {
				condition := meta.FindStatusCondition(got, kind)
				if condition.Status != metav1.ConditionFalse || condition.Reason != v1alpha1.ReasonWriteFailed || condition.ObservedGeneration != 7 {
					t.Errorf("%s is %+v", kind, condition)
				}
				if !strings.Contains(condition.Message, tc.says) || strings.Contains(condition.Message, "hidden") {
					t.Errorf("the message is %q", condition.Message)
				}
			}
			if !meta.IsStatusConditionTrue(got, v1alpha1.ConditionAccepted) {
				t.Error("Accepted has changed")
			}
		})
	}
	if got := outcome.Downgrade(good(), nil, 7); !meta.IsStatusConditionTrue(got, v1alpha1.ConditionReady) {
		t.Error("without an error, Ready has changed")
	}
}

func TestAWriteIsMootOnlyInTheNamespaceOfTheResource(t *testing.T) {
	t.Parallel()
	inTenant := outcome.FailedWrite("Secret", types.NamespacedName{Namespace: "payments", Name: "x"}, terminating())
	inSystem := outcome.FailedWrite("Secret", key, terminating())
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"the namespace of the resource goes": {inTenant, true},
		"the system namespace goes":          {inSystem, false},
		"the resource is gone":               {fmt.Errorf("patching: %w", outcome.ErrGone), true},
		"refused for another reason":         {outcome.FailedWrite("Secret", types.NamespacedName{Namespace: "payments"}, errors.New("no")), false},
		"nothing failed":                     {nil, false},
	} {
		if got := outcome.Moot(tc.err, "payments"); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestTransitionTimes(t *testing.T) {
	t.Parallel()
	then, now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 22, 10, 0, 0, 5, time.UTC)
	before := []metav1.Condition{
		{Type: "Same", Status: metav1.ConditionTrue, Reason: "A", LastTransitionTime: metav1.NewTime(then)},
		{Type: "Changed", Status: metav1.ConditionTrue, LastTransitionTime: metav1.NewTime(then)},
		{Type: "Gone", Status: metav1.ConditionTrue, LastTransitionTime: metav1.NewTime(then)},
	}
	next := []metav1.Condition{
		{Type: "Same", Status: metav1.ConditionTrue, Reason: "B"},
		{Type: "Changed", Status: metav1.ConditionFalse},
		{Type: "New", Status: metav1.ConditionTrue},
	}
	got := outcome.Conditions(before, next, now)
	for i, want := range []time.Time{then, now.Truncate(time.Second), now.Truncate(time.Second)} {
		if !got[i].LastTransitionTime.Time.Equal(want) {
			t.Errorf("%s: %s, want %s", got[i].Type, got[i].LastTransitionTime, want)
		}
	}
	if len(got) != len(next) || got[0].Reason != "B" {
		t.Errorf("the conditions are %+v", got)
	}
}

func TestRequeueAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		next time.Time
		want time.Duration
	}{
		"nothing will change":  {time.Time{}, 0},
		"soon":                 {now.Add(time.Minute), time.Minute},
		"overdue: not at once": {now.Add(-time.Hour), time.Second},
		"in a year: earlier":   {now.AddDate(1, 0, 0), 10 * time.Hour},
	} {
		if got := outcome.RequeueAfter(tc.next, now); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestEventsFollowChangesOfConditions(t *testing.T) {
	t.Parallel()
	bad := good()
	bad[0].Status, bad[0].Reason, bad[0].Message = metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict, strings.Repeat("é", 1000)
	bad[1].Status, bad[1].Reason = metav1.ConditionFalse, v1alpha1.ReasonNotProgrammed
	bad[2].Status, bad[2].Reason = metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict
	warned := func(status metav1.ConditionStatus, reason string) []metav1.Condition {
		return append(good(), metav1.Condition{Type: v1alpha1.ConditionCertificatesCurrent, Status: status, Reason: reason})
	}
	current := warned(metav1.ConditionTrue, v1alpha1.ReasonCertificatesCurrent)
	expiring, issued := warned(metav1.ConditionFalse, v1alpha1.ReasonCertificateExpiring), warned(metav1.ConditionFalse, v1alpha1.ReasonIssuerChanged)
	for name, tc := range map[string]struct {
		before, after []metav1.Condition
		want          []string
	}{
		"a new resource is ready":    {nil, good(), []string{"Normal Ready"}},
		"nothing changed, good":      {good(), good(), nil},
		"nothing changed, bad":       {bad, bad, nil},
		"a conflict":                 {good(), bad, []string{"Warning ClientIDConflict"}},
		"a conflict from the start":  {nil, bad, []string{"Warning ClientIDConflict"}},
		"the conflict is over":       {bad, good(), []string{"Normal Ready"}},
		"a write failed":             {good(), outcome.Downgrade(good(), errors.New("no"), 1), []string{"Warning WriteFailed"}},
		"another reason, still bad":  {outcome.Downgrade(good(), errors.New("no"), 1), bad, []string{"Warning ClientIDConflict"}},
		"the condition was unsaid":   {good()[1:], good(), nil},
		"a certificate expires soon": {current, expiring, []string{"Warning CertificateExpiring"}},
		"it still does":              {expiring, expiring, nil},
		"renewed by another issuer":  {expiring, issued, []string{"Warning IssuerChanged"}},
		"which is acknowledged":      {issued, current, nil},
		"readiness was not said yet": {good()[:1], good(), []string{"Normal Ready"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := events.NewFakeRecorder(10)
			outcome.Announce(recorder, &v1alpha1.OAuthClient{}, tc.before, tc.after)
			close(recorder.Events)
			var got []string
			for event := range recorder.Events {
				fields := strings.SplitN(event, " ", 3)
				got = append(got, fields[0]+" "+fields[1])
				if len(fields[2]) > 1024 || strings.ContainsRune(fields[2], '\uFFFD') {
					t.Errorf("the note has %d bytes or half a character", len(fields[2]))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("the events are %v, want %v", got, tc.want)
			}
		})
	}
}

func TestCardNumbersAreMaskedInConditionsAndEvents(t *testing.T) {
	t.Parallel()
	const card, masked = "4111111111111111", "************1111"
	got := outcome.Conditions(nil, []metav1.Condition{{Type: "A", Message: "Secret \"" + card + "\""}}, time.Now())
	if got[0].Message != "Secret \""+masked+"\"" {
		t.Errorf("the message is %q", got[0].Message)
	}
	again := outcome.Conditions(got, []metav1.Condition{{Type: "A", Message: "Secret \"" + card + "\""}}, time.Now().Add(time.Hour))
	if fmt.Sprint(again) != fmt.Sprint(got) {
		t.Errorf("the same condition is written twice: %v, then %v", got, again)
	}
	recorder := events.NewFakeRecorder(2)
	outcome.MaskedRecorder(recorder).Eventf(&v1alpha1.OAuthClient{}, nil, "Normal", "R", "Act", "%s %d", card, 4111111111111111)
	if event := <-recorder.Events; strings.Contains(event, card) || strings.Count(event, masked) != 2 {
		t.Errorf("the event is %q", event)
	}
}

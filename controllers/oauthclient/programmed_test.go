package oauthclient_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// mustNotBeReady fails the test when the resource is ready at its generation.
func mustNotBeReady(t *testing.T, s *testenv.Setting, resource *v1alpha1.OAuthClient) {
	t.Helper()
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(resource), resource); err != nil {
		t.Fatal(err)
	}
	ready := meta.FindStatusCondition(resource.Status.Conditions, v1alpha1.ConditionReady)
	if ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == resource.Generation {
		t.Error("it is Ready although a live replica does not serve it")
	}
}

// waitWritten waits until the document shows the resource's generation.
func waitWritten(t *testing.T, s *testenv.Setting, resource *v1alpha1.OAuthClient) {
	t.Helper()
	s.ClientDocument(t, resource, func(d *serving.Client) error {
		if d.Generation != resource.Generation {
			return fmt.Errorf("it is of generation %d", d.Generation)
		}
		return nil
	})
}

// TestReadyWaitsForEveryLiveReplica: the status is held back for ten seconds, then it says who is behind.
func TestReadyWaitsForEveryLiveReplica(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, slow *testenv.Replica){
		"until it has caught up": func(_ *testing.T, slow *testenv.Replica) { slow.Resume() },
		"until it has stopped":   func(t *testing.T, slow *testenv.Replica) { slow.Stop(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := withGateway(t, interceptor.Funcs{})
			slow := s.StartReplica(t, "webhook-server-1")
			resource := s.OAuthClient("thales-d1", "acme")
			secret := ready(t, s, resource)

			slow.Pause()
			s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientSuspended })
			waitWritten(t, s, resource)
			mustNotBeReady(t, s, resource)
			s.Touch(t, secret)
			mustNotBeReady(t, s, resource)
			s.ReplicaClock.Advance(11 * time.Second)
			s.Touch(t, secret)
			for _, kind := range []string{v1alpha1.ConditionProgrammed, v1alpha1.ConditionReady} {
				// The clock was moved, so the other one may still have been behind at that moment; it is named no longer when it has caught up.
				s.WaitFor(t, resource, func() error {
					condition := meta.FindStatusCondition(resource.Status.Conditions, kind)
					if condition == nil || condition.Status != metav1.ConditionFalse || condition.Reason != v1alpha1.ReasonReplicasBehind ||
						!strings.Contains(condition.Message, `"webhook-server-1"`) || strings.Contains(condition.Message, "webhook-server-0") {
						return fmt.Errorf("%s does not name who is behind, and nobody else: %+v", kind, condition)
					}
					return nil
				})
			}
			end(t, slow)
			s.WaitReady(t, resource)
		})
	}
}

func TestARefusedDocumentIsSaidAndItsCardNumbersAreMasked(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	second := s.StartReplica(t, "webhook-server-1")
	resource := s.OAuthClient("thales-d1", "acme")
	ready(t, s, resource)
	document := s.DocumentObject(serving.KindClient, resource).GetName()
	second.Refuse(document, "clientID: 4111111111111111 is no client id")
	for _, kind := range []string{v1alpha1.ConditionProgrammed, v1alpha1.ConditionReady} {
		condition := s.WaitCondition(t, resource, kind, metav1.ConditionFalse, v1alpha1.ReasonDocumentRefused)
		if !strings.Contains(condition.Message, "is no client id") || !strings.Contains(condition.Message, `"webhook-server-1"`) || strings.Contains(condition.Message, "4111111111111111") {
			t.Errorf("%s says: %s", kind, condition.Message)
		}
	}
	s.WaitEvent(t, resource, v1alpha1.ReasonDocumentRefused)
	if events := strings.Join(s.Events(t, resource), "\n"); strings.Contains(events, "4111111111111111") {
		t.Errorf("a card number stands in an event: %s", events)
	}
	second.Refuse(document, "")
	s.WaitReady(t, resource)

	// One that refuses it and then stops refuses nothing any more.
	second.Refuse(document, "it is damaged")
	s.WaitCondition(t, resource, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDocumentRefused)
	second.Stop(t)
	s.WaitReady(t, resource)
}

// TestARefusedDocumentIsLookedAtOnce: a refusal must not have the operator look at the client again and again.
func TestARefusedDocumentIsLookedAtOnce(t *testing.T) {
	t.Parallel()
	calls := &testenv.Calls{}
	s, _ := withGateway(t, calls.Funcs())
	resource, other := s.OAuthClient("thales-d1", "acme"), s.OAuthClient("other", "acme")
	ready(t, s, resource)
	document := s.DocumentObject(serving.KindClient, resource).GetName()
	before := calls.Reads("Secret", document)
	s.Replica.Refuse(document, "it is damaged")
	s.WaitCondition(t, resource, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDocumentRefused)
	ready(t, s, other)
	const most = 3
	if looks := calls.Reads("Secret", document) - before; looks > most {
		t.Errorf("it was looked at %d times", looks)
	}
}

func TestWithoutAReplicaNothingIsReady(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.WithoutReplica = true
	s.StartOperator(t, interceptor.Funcs{})
	gateway, resource := s.Gateway("acme", "MGW_000001"), s.OAuthClient("thales-d1", "acme")
	s.Create(t, gateway, resource)
	for _, object := range []client.Object{gateway, resource} {
		s.WaitCondition(t, object, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonNoReplicas)
		s.WaitCondition(t, object, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNoReplicas)
		s.WaitEvent(t, object, v1alpha1.ReasonNoReplicas)
	}
	s.StartReplica(t, "webhook-server-0")
	s.WaitReady(t, gateway)
	s.WaitReady(t, resource)
}

// TestAServerThatIsReplacedIsNoReasonToSayAnything stops the only replica: what was ready stays so for two minutes.
func TestAServerThatIsReplacedIsNoReasonToSayAnything(t *testing.T) {
	t.Parallel()
	calls := &testenv.Calls{}
	s, _ := withGateway(t, calls.Funcs())
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	s.Replica.Stop(t)
	document := s.DocumentObject(serving.KindClient, resource).GetName()
	writes := len(calls.Writes())
	look := func() {
		before := calls.Reads("Secret", document)
		s.Touch(t, secret)
		testenv.Eventually(t, func() error {
			if calls.Reads("Secret", document) == before {
				return fmt.Errorf("it was not looked at")
			}
			return nil
		})
	}
	look()
	look()
	s.WaitReady(t, resource)
	if got := calls.Writes(); len(got) != writes {
		t.Errorf("it wrote %v", got[writes:])
	}
	// The two minutes begin when the operator has seen that it has stopped.
	s.WaitFor(t, resource, func() error {
		s.ReplicaClock.Advance(2*time.Minute + time.Second)
		s.Touch(t, secret)
		if c := meta.FindStatusCondition(resource.Status.Conditions, v1alpha1.ConditionReady); c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonNoReplicas {
			return fmt.Errorf("Ready is %s, %s", c.Status, c.Reason)
		}
		return nil
	})
	s.StartReplica(t, "webhook-server-1")
	s.WaitReady(t, resource)
}

// TestOneChangeIsOneStatusWrite counts every write that one client costs.
func TestOneChangeIsOneStatusWrite(t *testing.T) {
	t.Parallel()
	calls := &testenv.Calls{}
	s, _ := withGateway(t, calls.Funcs())
	resource := s.OAuthClient("thales-d1", "acme")
	document := "apply Secret " + s.DocumentObject(serving.KindClient, resource).GetName()
	done := len(calls.Writes())
	ready(t, s, resource)
	want := []string{"patch OAuthClient thales-d1", "create Secret thales-d1-credentials", document, "status OAuthClient thales-d1"}
	if got := calls.Writes()[done:]; !slices.Equal(got, want) {
		t.Errorf("its creation has cost %q, want %q", got, want)
	}

	done = len(calls.Writes())
	s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientSuspended })
	s.WaitReady(t, resource)
	want = []string{document, "status OAuthClient thales-d1"}
	if got := calls.Writes()[done:]; !slices.Equal(got, want) {
		t.Errorf("a change has cost %q, want %q", got, want)
	}

	done = len(calls.Writes())
	s.Delete(t, resource)
	s.WaitGone(t, resource)
	want = []string{"delete Secret " + strings.TrimPrefix(document, "apply Secret "), "patch OAuthClient thales-d1"}
	if got := calls.Writes()[done:]; !slices.Equal(got, want) {
		t.Errorf("its deletion has cost %q, want %q", got, want)
	}
}

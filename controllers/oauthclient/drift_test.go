package oauthclient_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// repairs answers the notes of the events that say that a document was repaired.
func repairs(t *testing.T, s *testenv.Setting, resource client.Object) []string {
	t.Helper()
	var notes []string
	for _, event := range s.Events(t, resource) {
		if note, ok := strings.CutPrefix(event, "DocumentRepaired "); ok {
			notes = append(notes, note)
		}
	}
	slices.Sort(notes)
	return notes
}

// waitRepairs waits until the events say that the document was repaired after each of these.
func waitRepairs(t *testing.T, s *testenv.Setting, resource client.Object, object string, drifts ...string) {
	t.Helper()
	var want []string
	for _, drift := range drifts {
		want = append(want, fmt.Sprintf("The serving document %s was %s by somebody else and has been restored", object, drift))
	}
	slices.Sort(want)
	testenv.Eventually(t, func() error {
		if got := repairs(t, s, resource); !slices.Equal(got, want) {
			return fmt.Errorf("the events are %q, want %q", got, want)
		}
		return nil
	})
}

func TestADriftedDocumentIsRepairedAndSaid(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	object := s.DocumentObject(serving.KindClient, resource)
	name := object.GetName()

	// Somebody lets a suspended client in, say: the document is valid, but not what the resource says.
	s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientSuspended })
	s.WaitReady(t, resource)
	suspended := s.ClientDocument(t, resource, nil)
	suspended.Suspended = false
	raw, err := serving.Encode(suspended)
	if err != nil {
		t.Fatal(err)
	}
	s.Update(t, object, func() { testenv.SetDocument(object, raw) })
	waitRepairs(t, s, resource, name, "edited")
	if !s.ClientDocument(t, resource, nil).Suspended {
		t.Error("the edit stands")
	}
	s.Delete(t, object)
	waitRepairs(t, s, resource, name, "edited", "deleted")
	current(t, s, resource, text(secret, v1alpha1.KeyClientSecret))
	s.WaitReady(t, resource)
}

// TestWhatTheOperatorDoesItselfIsNoDrift: neither its own changes, nor what does not touch the document, nor what happened while it was away.
func TestWhatTheOperatorDoesItselfIsNoDrift(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	first := s.StartOperator(t, interceptor.Funcs{})
	gateway, resource := s.Gateway("acme", "MGW_000001"), s.OAuthClient("thales-d1", "acme")
	s.Create(t, gateway)
	secret := ready(t, s, resource)
	object := s.DocumentObject(serving.KindClient, resource)
	s.Touch(t, object)
	s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientSuspended })
	s.WaitReady(t, resource)
	first.Stop()
	raw := []byte{}
	s.WaitFor(t, object, func() error { return nil })
	s.Delete(t, object)
	calls := &testenv.Calls{}
	s.StartOperator(t, calls.Funcs())
	current(t, s, resource, text(secret, v1alpha1.KeyClientSecret))
	if got := repairs(t, s, resource); len(got) != 0 {
		t.Errorf("the events say %q", got)
	}
	// What nobody can read was certainly not written by an operator.
	s.Update(t, object, func() { testenv.SetDocument(object, raw) })
	waitRepairs(t, s, resource, object.GetName(), "edited")

	// A client that is deleted and created again, and one whose id another takes.
	s.Delete(t, resource)
	s.WaitGone(t, resource)
	s.Delete(t, secret) // The garbage collector would.
	again := s.OAuthClient("thales-d1", "acme")
	ready(t, s, again)
	if got := repairs(t, s, again); len(got) != 0 {
		t.Errorf("the events of the new one say %q", got)
	}
}

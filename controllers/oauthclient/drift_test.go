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

// TestNothingOfAnEditIsTakenOver: what somebody writes into a document is taken for no promise of the operator's, and what it held is not lost.
func TestNothingOfAnEditIsTakenOver(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	rotate(t, s, resource, secret)
	s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientSuspended })
	s.WaitReady(t, resource)
	s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientActive })
	s.WaitReady(t, resource)
	good := s.ClientDocument(t, resource, func(d *serving.Client) error {
		if d.Suspended || len(d.Credentials) != 2 {
			return fmt.Errorf("it is not the document of this test yet: %+v", d)
		}
		return nil
	})
	want, err := serving.Encode(good)
	if err != nil {
		t.Fatal(err)
	}
	foreign := serving.DigestSecret("somebody else's")
	for name, edit := range map[string]func(d *serving.Client){
		"another former secret":  func(d *serving.Client) { d.Credentials[1].Digest = foreign },
		"another current secret": func(d *serving.Client) { d.Credentials[0].Digest = foreign },
		"one more secret": func(d *serving.Client) {
			d.Credentials = append(d.Credentials, serving.Credential{ID: "planted", Digest: foreign, CreatedAt: d.TokensNotBefore})
		},
		"a later end":   func(d *serving.Client) { d.Credentials[1].ExpiresAt = d.Credentials[1].ExpiresAt.AddDate(70, 0, 0) },
		"dead tokens":   func(d *serving.Client) { d.TokensNotBefore = d.TokensNotBefore.AddDate(-1, 0, 0) },
		"fewer secrets": func(d *serving.Client) { d.Credentials = d.Credentials[:1] },
	} {
		edited := *good
		edited.Credentials = slices.Clone(good.Credentials)
		edit(&edited)
		raw, err := serving.Encode(&edited)
		if err != nil {
			t.Fatal(err)
		}
		object := s.DocumentObject(serving.KindClient, resource)
		s.Update(t, object, func() { testenv.SetDocument(object, raw) })
		s.ClientDocument(t, resource, func(d *serving.Client) error {
			if got, err := serving.Encode(d); err != nil || !slices.Equal(got, want) {
				return fmt.Errorf("after %s the document is not what it was (%w)", name, err)
			}
			return nil
		})
	}
	s.Delete(t, s.DocumentObject(serving.KindClient, resource))
	s.ClientDocument(t, resource, func(d *serving.Client) error {
		if got, err := serving.Encode(d); err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("the deleted document is not what it was (%w)", err)
		}
		return nil
	})
}

// TestADriftedDocumentOfAClientThatCannotBeServedIsRepairedToo: its last good document is what serves on.
func TestADriftedDocumentOfAClientThatCannotBeServedIsRepairedToo(t *testing.T) {
	t.Parallel()
	s, gateway := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	ready(t, s, resource)
	before := s.ClientDocument(t, resource, nil)
	s.Update(t, gateway, func() {
		gateway.Spec.Authentication.TokenEndpointMethods = []v1alpha1.TokenEndpointMethod{v1alpha1.MethodPrivateKeyJWT}
	})
	s.WaitCondition(t, resource, v1alpha1.ConditionResolvedRefs, "False", v1alpha1.ReasonMethodNotAllowed)
	object := s.DocumentObject(serving.KindClient, resource)
	s.Delete(t, object)
	waitRepairs(t, s, resource, object.GetName(), "deleted")
	if after := s.ClientDocument(t, resource, nil); after.ClientID != before.ClientID || after.Credentials[0] != before.Credentials[0] {
		t.Errorf("it is another document: %+v", after)
	}
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

package oauthclient_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestASuspensionIsServedAndSaid: Ready waits for it to be in force on every replica.
func TestASuspensionIsServedAndSaid(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	ready(t, s, resource)
	for _, state := range []struct {
		state  v1alpha1.ClientState
		reason string
	}{{v1alpha1.ClientSuspended, "Suspended"}, {v1alpha1.ClientActive, "Resumed"}} {
		s.Replica.Pause()
		s.Update(t, resource, func() { resource.Spec.State = state.state })
		waitWritten(t, s, resource)
		mustNotBeReady(t, s, resource)
		s.Replica.Resume()
		s.WaitReady(t, resource)
		s.WaitEvent(t, resource, state.reason)
	}
	count := len(s.Events(t, resource))
	s.Touch(t, s.Secret("thales-d1-credentials"))
	s.Update(t, resource, func() { resource.Spec.Scopes = []v1alpha1.Scope{"notifications"} })
	s.WaitReady(t, resource)
	events := s.Events(t, resource)
	for _, reason := range []string{"Suspended", "Resumed"} {
		if n := len(slices.DeleteFunc(slices.Clone(events), func(e string) bool { return !strings.HasPrefix(e, reason+" ") })); n != 1 {
			t.Errorf("%d events say %s, of %d and %d", n, reason, count, len(events))
		}
	}
}

// TestAConflictIsSaidAndEnds: the one that comes second is told who holds its id, and the one whose document is withdrawn for it that it is.
func TestAConflictIsSaidAndEnds(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	first, second := s.OAuthClient("a-first", "acme"), s.OAuthClient("b-second", "acme")
	first.Spec.ClientID = "is_tbank01"
	ready(t, s, first)
	ready(t, s, second)
	s.Update(t, second, func() { second.Spec.ClientID = "is_tbank01" })
	s.WaitCondition(t, second, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict)
	s.WaitEvent(t, second, v1alpha1.ReasonClientIDConflict)
	s.Delete(t, first)
	s.WaitGone(t, first)
	s.WaitEvent(t, first, "Withdrawn")
	s.WaitReady(t, second)
	s.WaitEvent(t, second, v1alpha1.ReasonReady)
	if id := s.ClientDocument(t, second, nil).ClientID; id != "is_tbank01" {
		t.Errorf("it is served as %q", id)
	}
}

// TestASecretThatIsAdoptedIsSaid: somebody puts a client_secret of their own into the Secret that the operator made.
func TestASecretThatIsAdoptedIsSaid(t *testing.T) {
	t.Parallel()
	const own = "0123456789abcdefghijABCDEFGHIJ0123456789abcdefghij"
	s, _ := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	s.Update(t, secret, func() { secret.Data[v1alpha1.KeyClientSecret] = []byte(own) })
	current(t, s, resource, own)
	testenv.Eventually(t, func() error {
		if !slices.ContainsFunc(s.Events(t, resource), func(e string) bool { return strings.Contains(e, "holds another client_secret") }) {
			return errors.New("no event says that it was adopted")
		}
		return nil
	})
	s.WaitReady(t, resource)
	s.WaitCondition(t, resource, v1alpha1.ConditionCredentialsReady, metav1.ConditionTrue, v1alpha1.ReasonCredentialsReady)
	s.MustNotShow(t, own)
	s.Delete(t, resource)
	s.WaitGone(t, resource)
	s.WaitEvent(t, resource, "Withdrawn")
	s.WaitGone(t, s.DocumentObject(serving.KindClient, resource))
}

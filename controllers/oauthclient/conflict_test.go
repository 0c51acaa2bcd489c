package oauthclient_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

func TestTheSecondClientOfAnIDTakesOverWhenTheFirstIsDeleted(t *testing.T) {
	t.Parallel()
	// The names make the order certain when both are created in the same second.
	for name, make := range map[string]func(*testing.T, *testenv.Setting, string) *v1alpha1.OAuthClient{
		"both ask for it": func(_ *testing.T, s *testenv.Setting, name string) *v1alpha1.OAuthClient {
			client := s.OAuthClient(name, "acme")
			client.Spec.ClientID = "is_tbank01"
			return client
		},
		"both find it in a Secret": func(t *testing.T, s *testenv.Setting, name string) *v1alpha1.OAuthClient {
			s.Create(t, s.UserSecret(name+"-credentials", map[string]string{"client_id": "is_tbank01", "client_secret": "123"}))
			return s.ExistingClient(name, "acme")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := withGateway(t, interceptor.Funcs{})
			first, second := make(t, s, "a-first"), make(t, s, "b-second")
			ready(t, s, first)
			s.Create(t, second)
			condition := s.WaitCondition(t, second, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict)
			if !strings.Contains(condition.Message, s.Tenant+"/a-first") {
				t.Errorf("the message does not say who holds it: %s", condition.Message)
			}
			s.WaitGone(t, s.DocumentObject(serving.KindClient, second))

			s.Delete(t, first)
			s.WaitReady(t, second)
			s.ClientDocument(t, second, nil)
			s.WaitGone(t, s.DocumentObject(serving.KindClient, first))
		})
	}
}

func TestTwoClientsThatAreCreatedAtOnceEndUpWithOneHolder(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	first, second := s.ExistingClient("a-first", "acme"), s.ExistingClient("b-second", "acme")
	s.Create(t, first, second)
	s.Create(t,
		s.UserSecret("b-second-credentials", map[string]string{"client_id": "is_tbank01", "client_secret": "123"}),
		s.UserSecret("a-first-credentials", map[string]string{"client_id": "is_tbank01", "client_secret": "456"}))
	// Which of the two is served first, and so keeps the id, is open; both are not.
	var holder, other *v1alpha1.OAuthClient
	testenv.Eventually(t, func() error {
		for _, object := range []*v1alpha1.OAuthClient{first, second} {
			if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
				return err
			}
		}
		holder, other = first, second
		if meta.IsStatusConditionTrue(second.Status.Conditions, v1alpha1.ConditionReady) {
			holder, other = second, first
		}
		conflict := meta.FindStatusCondition(other.Status.Conditions, v1alpha1.ConditionAccepted)
		if !meta.IsStatusConditionTrue(holder.Status.Conditions, v1alpha1.ConditionReady) || conflict == nil || conflict.Reason != v1alpha1.ReasonClientIDConflict {
			return fmt.Errorf("the conditions are %v and %v", first.Status.Conditions, second.Status.Conditions)
		}
		return nil
	})
	s.WaitGone(t, s.DocumentObject(serving.KindClient, other))
	s.ClientDocument(t, holder, nil)
}

func TestAConflictEndsWhenTheGatewaysPartWays(t *testing.T) {
	t.Parallel()
	s, gateway := withGateway(t, interceptor.Funcs{})
	other := s.Gateway("other", "MGW_000002")
	s.Create(t, other)
	s.WaitReady(t, other)
	first, second := s.OAuthClient("a-first", "acme"), s.OAuthClient("b-second", "other")
	first.Spec.ClientID, second.Spec.ClientID = "is_tbank01", "is_tbank01"
	ready(t, s, first)
	s.Create(t, second)
	s.WaitCondition(t, second, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict)

	// Both answer on any host. When each names its own, the client id is free on the other's.
	s.Update(t, other, func() { other.Spec.Hostnames = []v1alpha1.Hostname{"other.example"} })
	s.Update(t, gateway, func() { gateway.Spec.Hostnames = []v1alpha1.Hostname{"acme.example"} })
	s.WaitReady(t, second)
	s.WaitReady(t, first)
}

func TestAServedClientKeepsItsIDWhenAnOlderOneAsksForIt(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	older, served := s.OAuthClient("a-older", "acme"), s.OAuthClient("b-served", "acme")
	older.Spec.ClientID, served.Spec.ClientID = "of_my_own", "is_tbank01"
	ready(t, s, older)
	ready(t, s, served)

	s.Update(t, older, func() { older.Spec.ClientID = "is_tbank01" })
	condition := s.WaitCondition(t, older, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict)
	if !strings.Contains(condition.Message, s.Tenant+"/b-served") {
		t.Errorf("the message does not say who holds it: %s", condition.Message)
	}
	s.Touch(t, s.Secret("b-served-credentials"))
	s.WaitReady(t, served)
	s.ClientDocument(t, served, nil)

	// It is given up: the one that waits for it has it.
	s.Update(t, served, func() { served.Spec.ClientID = "another" })
	s.WaitReady(t, older)
	s.WaitReady(t, served)
}

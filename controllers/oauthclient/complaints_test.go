package oauthclient_test

// What users of comparable operators complain about (ory/hydra-maester's issues foremost), each with the complaint as its name. Those about a
// Secret that is edited or deleted are in generated_test.go, a drifted document is in drift_test.go.

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestAWriteFailedMidwayAndTheClientSaidItWasReady refuses each of the writes that a client takes, one after the other, once for good and once
// only the first time.
func TestAWriteFailedMidwayAndTheClientSaidItWasReady(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"patch OAuthClient thales-d1", "create Secret thales-d1-credentials", "apply Secret client.", "status OAuthClient thales-d1"} {
		for name, times := range map[string]int{"again and again": 1000, "once": 1} {
			t.Run(call+" fails "+name, func(t *testing.T) {
				t.Parallel()
				calls := &testenv.Calls{}
				s, _ := withGateway(t, calls.Funcs())
				failed := make(chan struct{}, times)
				calls.Refuse(func(got string) error {
					if !strings.HasPrefix(got, call) || len(failed) == cap(failed) {
						return nil
					}
					failed <- struct{}{}
					return apierrors.NewInternalError(errors.New("planted"))
				})
				resource := s.OAuthClient("thales-d1", "acme")
				s.Create(t, resource)
				<-failed
				mustNotBeReadyWithout(t, s, resource, call)
				calls.Refuse(nil)
				s.WaitReady(t, resource)
				secret := s.Secret("thales-d1-credentials")
				s.WaitFor(t, secret, func() error { return nil })
				if document := current(t, s, resource, text(secret, v1alpha1.KeyClientSecret)); len(document.Credentials) != 1 {
					t.Errorf("a secret that nobody has works: %+v", document.Credentials)
				}
			})
		}
	}
}

// mustNotBeReadyWithout fails the test for a client that is Ready while what it takes is not there; a write that is tried again at once may be done.
func mustNotBeReadyWithout(t *testing.T, s *testenv.Setting, resource *v1alpha1.OAuthClient, call string) {
	t.Helper()
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(resource), resource); err != nil {
		t.Fatal(err)
	}
	if !meta.IsStatusConditionTrue(resource.Status.Conditions, v1alpha1.ConditionReady) {
		return
	}
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(resource), s.Secret("thales-d1-credentials")); apierrors.IsNotFound(err) {
		t.Errorf("it is Ready although its write failed: %s", call)
	}
}

// TestMyGitOpsToolAppliesThingsInAnyOrder goes through every order of a gateway, a client and its Secret.
func TestMyGitOpsToolAppliesThingsInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"gateway client secret", "gateway secret client", "client gateway secret", "client secret gateway", "secret gateway client", "secret client gateway"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			s := cluster.NewSetting(t)
			s.StartOperator(t, interceptor.Funcs{})
			resource := s.ExistingClient("thales-d1", "acme")
			objects := map[string]client.Object{
				"gateway": s.Gateway("acme", "MGW_000001"), "client": resource,
				"secret": s.UserSecret("thales-d1-credentials", map[string]string{"client_id": "is_tbank01", "client_secret": "0123456789abcdefghijABCDEFGHIJ01234567890"}),
			}
			for _, name := range strings.Fields(order) {
				s.Create(t, objects[name])
				// Whatever can be said before the rest comes is said first.
				switch o := objects[name].(type) {
				case *v1alpha1.OAuthClient, *v1alpha1.MerchantGateway:
					waitLookedAt(t, s, o)
				}
			}
			s.WaitReady(t, resource)
			current(t, s, resource, "0123456789abcdefghijABCDEFGHIJ01234567890")
		})
	}
}

// waitLookedAt waits until the resource has a status.
func waitLookedAt(t *testing.T, s *testenv.Setting, object client.Object) {
	t.Helper()
	s.WaitFor(t, object, func() error {
		var conditions []metav1.Condition
		switch o := object.(type) {
		case *v1alpha1.OAuthClient:
			conditions = o.Status.Conditions
		case *v1alpha1.MerchantGateway:
			conditions = o.Status.Conditions
		}
		if len(conditions) == 0 {
			return errors.New("it has no status")
		}
		return nil
	})
}

// TestAnotherControllerOwnsTheSecret: one that brings Secrets from a vault, say.
func TestAnotherControllerOwnsTheSecret(t *testing.T) {
	t.Parallel()
	controlled := func(s *testenv.Setting, labels map[string]string) *corev1.Secret {
		secret := s.UserSecret("thales-d1-credentials", map[string]string{"client_id": "is_tbank01", "client_secret": "123"})
		secret.Labels = labels
		secret.OwnerReferences = []metav1.OwnerReference{{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret", Name: "thales-d1", UID: "somebody-else", Controller: new(bool)}}
		*secret.OwnerReferences[0].Controller = true
		return secret
	}
	for name, c := range map[string]struct {
		labels map[string]string
		client func(s *testenv.Setting) *v1alpha1.OAuthClient
		ready  bool
	}{
		"and the client wants to generate it":                 {nil, func(s *testenv.Setting) *v1alpha1.OAuthClient { return s.OAuthClient("thales-d1", "acme") }, false},
		"with our label, and the client wants to generate it": {map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByValue}, func(s *testenv.Setting) *v1alpha1.OAuthClient { return s.OAuthClient("thales-d1", "acme") }, false},
		"and the client reads it":                             {map[string]string{v1alpha1.LabelAllowUse: "true"}, func(s *testenv.Setting) *v1alpha1.OAuthClient { return s.ExistingClient("thales-d1", "acme") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := withGateway(t, interceptor.Funcs{})
			secret := controlled(s, c.labels)
			s.Create(t, secret)
			version := secret.ResourceVersion
			resource := c.client(s)
			s.Create(t, resource)
			if c.ready {
				s.WaitReady(t, resource)
			} else {
				s.WaitCondition(t, resource, v1alpha1.ConditionCredentialsReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotOwned)
				s.WaitCondition(t, resource, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotOwned)
				s.WaitEvent(t, resource, v1alpha1.ReasonSecretNotOwned)
				s.WaitGone(t, s.Secret("no-other-secret"))
			}
			s.Delete(t, resource)
			s.WaitGone(t, resource)
			s.WaitFor(t, secret, func() error { return nil })
			if secret.ResourceVersion != version {
				t.Error("the Secret was written")
			}
		})
	}
}

func TestTwoClientsNameOneSecret(t *testing.T) {
	t.Parallel()
	t.Run("both generate it", func(t *testing.T) {
		t.Parallel()
		s, _ := withGateway(t, interceptor.Funcs{})
		first, second := s.OAuthClient("first", "acme"), s.OAuthClient("second", "acme")
		first.Spec.Credentials.SecretName, second.Spec.Credentials.SecretName = "shared", "shared"
		secret := ready(t, s, first)
		version := secret.ResourceVersion
		s.Create(t, second)
		s.WaitCondition(t, second, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotOwned)
		s.WaitFor(t, secret, func() error { return nil })
		if secret.ResourceVersion != version {
			t.Error("the second has written the first one's Secret")
		}
		current(t, s, first, text(secret, v1alpha1.KeyClientSecret))

		// The first goes, and its Secret with it: the second gets one of its own, with another secret.
		s.Delete(t, first)
		s.WaitGone(t, first)
		before := text(secret, v1alpha1.KeyClientSecret)
		s.Delete(t, secret) // The garbage collector would.
		s.WaitReady(t, second)
		s.WaitFor(t, secret, func() error { return nil })
		if text(secret, v1alpha1.KeyClientSecret) == before || !metav1.IsControlledBy(secret, second) {
			t.Error("the second has inherited from the first")
		}
	})
	t.Run("one generates it and the other reads it", func(t *testing.T) {
		t.Parallel()
		s, _ := withGateway(t, interceptor.Funcs{})
		first, second := s.OAuthClient("first", "acme"), s.ExistingClient("second", "acme")
		first.Spec.Credentials.SecretName, second.Spec.Credentials.SecretName = "shared", "shared"
		secret := ready(t, s, first)
		s.Create(t, second)
		s.WaitCondition(t, second, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretUseNotAllowed)
		// Also when it may be read: one client id has one holder.
		s.Update(t, secret, func() { secret.Labels[v1alpha1.LabelAllowUse] = "true" })
		s.WaitCondition(t, second, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict)
		s.WaitReady(t, first)
		current(t, s, first, text(secret, v1alpha1.KeyClientSecret))
	})
	t.Run("both read it", func(t *testing.T) {
		t.Parallel()
		s, _ := withGateway(t, interceptor.Funcs{})
		s.Create(t, s.UserSecret("shared", map[string]string{"client_id": "is_tbank01", "client_secret": "123"}))
		first, second := s.ExistingClient("first", "acme"), s.ExistingClient("second", "acme")
		first.Spec.Credentials.SecretName, second.Spec.Credentials.SecretName = "shared", "shared"
		ready(t, s, first)
		s.Create(t, second)
		condition := s.WaitCondition(t, second, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict)
		if !strings.Contains(condition.Message, fmt.Sprintf("%s/first", s.Tenant)) {
			t.Errorf("it does not say who holds the client id: %s", condition.Message)
		}
		s.WaitEvent(t, second, v1alpha1.ReasonClientIDConflict)
		s.WaitReady(t, first)
	})
}

package oauthclient_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// rotate asks for a rotation and waits until the Secret shows a new secret and the status says so. At each look what the Secret shows has to be in the document.
func rotate(t *testing.T, s *testenv.Setting, resource *v1alpha1.OAuthClient, secret *corev1.Secret) {
	t.Helper()
	before := text(secret, v1alpha1.KeyClientSecret)
	s.Update(t, resource, func() {
		resource.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "2026-11-22T10:00:00Z"}
	})
	s.WaitFor(t, secret, func() error {
		shown := text(secret, v1alpha1.KeyClientSecret)
		document := s.ClientDocument(t, resource, nil)
		if !slices.ContainsFunc(document.Credentials, func(c serving.Credential) bool { return c.Digest.Equal(serving.DigestSecret(shown)) }) {
			t.Fatal("the Secret shows a client_secret that no server accepts")
		}
		if shown == before || len(secret.Data[v1alpha1.KeyNextClientSecret]) > 0 {
			return errors.New("the rotation is under way")
		}
		return nil
	})
	s.WaitFor(t, resource, func() error {
		if resource.Status.LastHandledRotationRequest == "" {
			return errors.New("the status does not say that the request was handled")
		}
		return nil
	})
	s.WaitReady(t, resource)
}

// TestARotationGoesOnWhereItWasInterrupted refuses each of the writes of a rotation, one after the other.
func TestARotationGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	calls := &testenv.Calls{}
	s, _ := withGateway(t, calls.Funcs())
	whole := s.OAuthClient("whole", "acme")
	secret := ready(t, s, whole)
	done := len(calls.Writes())
	rotate(t, s, whole, secret)
	writes := calls.Writes()[done:]
	if len(writes) < 3 {
		t.Fatalf("a rotation is %q", writes)
	}
	for i, write := range writes {
		t.Run(fmt.Sprintf("%d %s", i, write), func(t *testing.T) {
			resource := s.OAuthClient(fmt.Sprintf("interrupted-%d", i), "acme")
			secret := ready(t, s, resource)
			before := text(secret, v1alpha1.KeyClientSecret)
			seen, refused := 0, make(chan struct{})
			calls.Refuse(func(string) error {
				seen++
				if seen-1 != i {
					return nil
				}
				close(refused)
				return apierrors.NewInternalError(errors.New("planted"))
			})
			rotate(t, s, resource, secret)
			calls.Refuse(nil)
			select {
			case <-refused:
			default:
				t.Error("the rotation ended before the write that was to fail")
			}
			document := current(t, s, resource, text(secret, v1alpha1.KeyClientSecret))
			if len(document.Credentials) != 2 || !document.Credentials[1].Digest.Equal(serving.DigestSecret(before)) || text(secret, v1alpha1.KeyPreviousClientSecret) != before {
				t.Errorf("it was not one rotation: %+v", document.Credentials)
			}
		})
	}
}

// TestANewSecretIsNotShownBeforeEveryReplicaAcceptsIt has one of two replicas fall behind.
func TestANewSecretIsNotShownBeforeEveryReplicaAcceptsIt(t *testing.T) {
	t.Parallel()
	calls := &testenv.Calls{}
	s, _ := withGateway(t, calls.Funcs())
	slow := s.StartReplica(t, "webhook-server-1")
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	before := text(secret, v1alpha1.KeyClientSecret)
	slow.Pause()
	s.Update(t, resource, func() {
		resource.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "2026-11-22T10:00:00Z"}
	})
	s.ClientDocument(t, resource, func(d *serving.Client) error {
		if len(d.Credentials) != 2 {
			return fmt.Errorf("%d secrets work", len(d.Credentials))
		}
		return nil
	})
	document := s.DocumentObject(serving.KindClient, resource).GetName()
	for range 3 {
		looks := calls.Reads("Secret", document)
		s.Touch(t, secret)
		testenv.Eventually(t, func() error {
			if calls.Reads("Secret", document) == looks {
				return errors.New("it was not looked at")
			}
			return nil
		})
		s.WaitFor(t, secret, func() error { return nil })
		if text(secret, v1alpha1.KeyClientSecret) != before || len(secret.Data[v1alpha1.KeyNextClientSecret]) == 0 {
			t.Fatal("the Secret shows the new secret although a live replica does not accept it")
		}
	}
	slow.Resume()
	s.WaitFor(t, secret, func() error {
		if text(secret, v1alpha1.KeyClientSecret) == before {
			return errors.New("the Secret still shows the former secret")
		}
		return nil
	})
	if text(secret, v1alpha1.KeyPreviousClientSecret) != before || len(secret.Data[v1alpha1.KeyNextClientSecret]) > 0 {
		t.Error("the Secret does not show the former secret as the previous one")
	}
	s.WaitReady(t, resource)
}

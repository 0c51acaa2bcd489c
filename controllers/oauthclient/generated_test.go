package oauthclient_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

func TestAnAppliedClientGetsCredentials(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, client)

	if !regexp.MustCompile(`^[A-Za-z0-9]{43}$`).MatchString(text(secret, v1alpha1.KeyClientSecret)) {
		t.Error("client_secret is not 43 letters and digits")
	}
	if got, want := text(secret, v1alpha1.KeyTokenURL), testenv.ExternalURL+"/oauth2/token"; got != want {
		t.Errorf("token_url is %q, want %q", got, want)
	}
	if text(secret, v1alpha1.KeyClientID) == "" || text(secret, v1alpha1.KeyClientID) != client.Status.ClientID {
		t.Errorf("client_id is %q, the status says %q", text(secret, v1alpha1.KeyClientID), client.Status.ClientID)
	}
	if !metav1.IsControlledBy(secret, client) {
		t.Error("the Secret would outlive the client")
	}
	document := current(t, s, client, text(secret, v1alpha1.KeyClientSecret))
	if document.ClientID != client.Status.ClientID || document.Gateway != "acme" || len(document.Credentials) != 1 {
		t.Errorf("the document is not the resource's: %+v", document)
	}
	if len(client.Status.Credentials) != 1 || client.Status.Credentials[0].ID != document.Credentials[0].ID {
		t.Errorf("the status does not show the credential: %+v", client.Status.Credentials)
	}
}

func TestAClientMayComeBeforeItsGateway(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	s.Create(t, client)
	s.WaitCondition(t, client, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonGatewayNotFound)
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, client)
	s.ClientDocument(t, client, nil)
}

// TestAGeneratedSecretThatSomebodyChanges: the client id stays whatever happens to the Secret, and so does the secret unless somebody puts a good
// one in its place.
func TestAGeneratedSecretThatSomebodyChanges(t *testing.T) {
	t.Parallel()
	const own = "0123456789abcdefghijABCDEFGHIJ0123456789abcdefghij"
	for name, change := range map[string]func(t *testing.T, s *testenv.Setting, secret *corev1.Secret){
		"deleted": func(t *testing.T, s *testenv.Setting, secret *corev1.Secret) { s.Delete(t, secret) },
		"emptied": func(t *testing.T, s *testenv.Setting, secret *corev1.Secret) {
			s.Update(t, secret, func() { secret.Data = nil })
		},
		"made weak": func(t *testing.T, s *testenv.Setting, secret *corev1.Secret) {
			s.Update(t, secret, func() { secret.Data[v1alpha1.KeyClientSecret] = []byte("123") })
		},
		"replaced by a strong one": func(t *testing.T, s *testenv.Setting, secret *corev1.Secret) {
			s.Update(t, secret, func() { secret.Data[v1alpha1.KeyClientSecret] = []byte(own) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := withGateway(t, interceptor.Funcs{})
			client := s.OAuthClient("thales-d1", "acme")
			secret := ready(t, s, client)
			id, before := text(secret, v1alpha1.KeyClientID), text(secret, v1alpha1.KeyClientSecret)
			change(t, s, secret)

			wanted := before
			if name == "replaced by a strong one" {
				wanted = own
			}
			s.WaitFor(t, secret, func() error {
				if text(secret, v1alpha1.KeyClientSecret) != wanted || text(secret, v1alpha1.KeyClientID) != id {
					return errors.New("the Secret does not hold the wanted credentials yet")
				}
				return nil
			})
			document := current(t, s, client, wanted)
			if document.ClientID != id {
				t.Errorf("the client id %q has become %q", id, document.ClientID)
			}
			last := document.Credentials[len(document.Credentials)-1]
			if !last.Digest.Equal(serving.DigestSecret(before)) || (wanted == own) == last.ExpiresAt.IsZero() {
				t.Errorf("the former secret does not work on for a while: %+v", document.Credentials)
			}
			s.WaitReady(t, client)
		})
	}
}

func TestALabelThatIsRemovedFromAGeneratedSecretComesBack(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, client)
	before := text(secret, v1alpha1.KeyClientSecret)
	s.Update(t, secret, func() {
		secret.Labels = map[string]string{"team": "payments"}
		secret.Data["note"] = []byte("handed over on Monday")
	})
	s.WaitFor(t, secret, func() error {
		if secret.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedByValue {
			return errors.New("the label is still missing")
		}
		return nil
	})
	if secret.Labels["team"] != "payments" || text(secret, "note") == "" || text(secret, v1alpha1.KeyClientSecret) != before {
		t.Error("what somebody else put there, or the secret, was lost")
	}
}

func TestARotationOnRequest(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, client)
	before := text(secret, v1alpha1.KeyClientSecret)

	s.Update(t, client, func() {
		client.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "2026-11-22T10:00:00Z"}
	})
	s.WaitFor(t, secret, func() error {
		if text(secret, v1alpha1.KeyClientSecret) == before {
			return errors.New("the secret is still the former one")
		}
		return nil
	})
	after := text(secret, v1alpha1.KeyClientSecret)
	if text(secret, v1alpha1.KeyPreviousClientSecret) != before {
		t.Error("the Secret does not show the former secret while it works")
	}
	document := current(t, s, client, after)
	if document.RotationRequest != "2026-11-22T10:00:00Z" || len(document.Credentials) != 2 {
		t.Errorf("the document does not show the rotation: %+v", document)
	}

	// The same request is not acted on again, and the former secret ends with the overlap.
	s.Clock.Advance(169 * time.Hour)
	s.Touch(t, secret)
	s.ClientDocument(t, client, func(d *serving.Client) error {
		if len(d.Credentials) != 1 {
			return fmt.Errorf("%d secrets work", len(d.Credentials))
		}
		return nil
	})
	current(t, s, client, after)
	s.WaitEvent(t, client, "SecretEnded")
	s.WaitFor(t, secret, func() error {
		if _, there := secret.Data[v1alpha1.KeyPreviousClientSecret]; there {
			return errors.New("the Secret still shows a secret that does not work")
		}
		return nil
	})
}

func TestARotationByAge(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	days := int32(90)
	client.Spec.Rotation.IntervalDays = &days
	secret := ready(t, s, client)
	before := text(secret, v1alpha1.KeyClientSecret)
	if left := time.Until(client.Status.NextRotationTime.Time); left < 89*24*time.Hour || left > 90*24*time.Hour {
		t.Errorf("the status says the next rotation is in %s", left)
	}
	s.Clock.Advance(91 * 24 * time.Hour)
	s.Touch(t, secret)
	s.WaitFor(t, secret, func() error {
		if text(secret, v1alpha1.KeyClientSecret) == before {
			return errors.New("the secret is still the former one")
		}
		return nil
	})
	current(t, s, client, text(secret, v1alpha1.KeyClientSecret))
}

func TestASecretOfSomebodyElseIsNotTouched(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	foreign := s.UserSecret("thales-d1-credentials", map[string]string{"client_secret": "somebody else's"})
	s.Create(t, foreign)
	version := foreign.ResourceVersion
	client := s.OAuthClient("thales-d1", "acme")
	s.Create(t, client)
	s.WaitCondition(t, client, v1alpha1.ConditionCredentialsReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotOwned)
	s.WaitFor(t, foreign, func() error { return nil })
	if foreign.ResourceVersion != version {
		t.Error("the Secret was written")
	}
	s.Delete(t, foreign)
	s.WaitReady(t, client)
}

func TestASuspendedClient(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, client)
	created := s.ClientDocument(t, client, nil).TokensNotBefore

	s.Clock.Advance(time.Hour)
	s.Update(t, client, func() { client.Spec.State = v1alpha1.ClientSuspended })
	suspended := s.ClientDocument(t, client, func(d *serving.Client) error {
		if !d.Suspended {
			return errors.New("it is not suspended")
		}
		return nil
	})
	if !suspended.TokensNotBefore.After(created) {
		t.Error("tokens from before the suspension would work again after it")
	}
	s.Update(t, client, func() { client.Spec.State = v1alpha1.ClientActive })
	resumed := s.ClientDocument(t, client, func(d *serving.Client) error {
		if d.Suspended {
			return errors.New("it is still suspended")
		}
		return nil
	})
	if !resumed.TokensNotBefore.Equal(suspended.TokensNotBefore) {
		t.Error("tokens from before the suspension work again")
	}
	current(t, s, client, text(secret, v1alpha1.KeyClientSecret))
}

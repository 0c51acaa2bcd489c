package oauthclient_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

func TestADriftedDocumentIsRepaired(t *testing.T) {
	t.Parallel()
	for name, drift := range map[string]func(*testing.T, *testenv.Setting, client.Object){
		"edited": func(t *testing.T, s *testenv.Setting, object client.Object) {
			s.Update(t, object, func() { testenv.SetDocument(object, []byte("{}")) })
		},
		"deleted": func(t *testing.T, s *testenv.Setting, object client.Object) { s.Delete(t, object) },
		"unlabelled": func(t *testing.T, s *testenv.Setting, object client.Object) {
			s.Update(t, object, func() { object.SetLabels(nil) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := withGateway(t, interceptor.Funcs{})
			resource := s.OAuthClient("thales-d1", "acme")
			secret := ready(t, s, resource)
			id := resource.Status.ClientID
			drift(t, s, s.DocumentObject(serving.KindClient, resource))
			document := current(t, s, resource, text(secret, v1alpha1.KeyClientSecret))
			if document.ClientID != id {
				t.Errorf("the client id %q has become %q", id, document.ClientID)
			}
		})
	}
}

// TestAFailedWriteShowsAndHeals refuses one of the two writes: whichever it is, the client ends up with the one secret that its Secret shows.
func TestAFailedWriteShowsAndHeals(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"patch OAuthClient thales-d1", "create Secret thales-d1-credentials", "apply Secret client."} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			calls := &testenv.Calls{}
			calls.Refuse(func(got string) error {
				if !strings.HasPrefix(got, call) {
					return nil
				}
				return apierrors.NewInternalError(errors.New("planted"))
			})
			s, _ := withGateway(t, calls.Funcs())
			resource := s.OAuthClient("thales-d1", "acme")
			s.Create(t, resource)
			condition := s.WaitCondition(t, resource, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonWriteFailed)
			if !strings.Contains(condition.Message, "InternalError") {
				t.Errorf("the message does not say why: %s", condition.Message)
			}
			s.WaitCondition(t, resource, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonWriteFailed)

			calls.Refuse(nil)
			s.WaitReady(t, resource)
			secret := s.Secret("thales-d1-credentials")
			s.WaitFor(t, secret, func() error { return nil })
			document := current(t, s, resource, text(secret, v1alpha1.KeyClientSecret))
			if len(document.Credentials) != 1 || document.ClientID != text(secret, v1alpha1.KeyClientID) {
				t.Errorf("Secret and document differ, or a secret that nobody has works: %+v", document)
			}
		})
	}
}

func TestASecretThatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	before := text(secret, v1alpha1.KeyClientSecret)
	credentials := resource.Status.Credentials
	immutable := true
	s.Update(t, secret, func() { secret.Immutable = &immutable })
	s.Update(t, resource, func() {
		resource.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "now"}
	})
	for _, kind := range []string{v1alpha1.ConditionCredentialsReady, v1alpha1.ConditionProgrammed, v1alpha1.ConditionReady} {
		condition := s.WaitCondition(t, resource, kind, metav1.ConditionFalse, v1alpha1.ReasonWriteFailed)
		if !strings.Contains(condition.Message, "thales-d1-credentials") || !strings.Contains(condition.Message, "data: FieldValueForbidden") {
			t.Errorf("%s says neither which Secret nor which field: %s", kind, condition.Message)
		}
	}
	if len(resource.Status.Credentials) != 1 || resource.Status.Credentials[0].ID != credentials[0].ID {
		t.Errorf("the status shows a secret that nobody has: %+v", resource.Status.Credentials)
	}
	current(t, s, resource, before)

	s.Delete(t, secret)
	s.WaitReady(t, resource)
}

func TestARotationThatIsInterruptedEndsWell(t *testing.T) {
	t.Parallel()
	calls := &testenv.Calls{}
	s, _ := withGateway(t, calls.Funcs())
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	before := text(secret, v1alpha1.KeyClientSecret)
	calls.Refuse(func(got string) error {
		if !strings.HasPrefix(got, "apply Secret client.") {
			return nil
		}
		return errors.New("the connection broke")
	})
	s.Update(t, resource, func() {
		resource.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "now"}
	})
	s.WaitCondition(t, resource, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonWriteFailed)
	current(t, s, resource, before)

	calls.Refuse(nil)
	s.WaitReady(t, resource)
	s.WaitFor(t, secret, func() error { return nil })
	after := text(secret, v1alpha1.KeyClientSecret)
	document := current(t, s, resource, after)
	if after == before || len(document.Credentials) != 2 || !document.Credentials[1].Digest.Equal(serving.DigestSecret(before)) {
		t.Errorf("it was not one rotation: %+v", document.Credentials)
	}
}

func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	operator := s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	generated, suspended, existing := s.OAuthClient("generated", "acme"), s.OAuthClient("suspended", "acme"), s.ExistingClient("existing", "acme")
	suspended.Spec.State = v1alpha1.ClientSuspended
	s.Create(t, s.UserSecret("existing-credentials", map[string]string{"client_id": "is_tbank01", "client_secret": "123"}))
	resources := []*v1alpha1.OAuthClient{generated, suspended, existing}
	for _, resource := range resources {
		ready(t, s, resource)
	}
	operator.Stop()

	// A new operator looks at everything, and then at what has been touched.
	calls := &testenv.Calls{}
	s.StartOperator(t, calls.Funcs())
	for looks := range 4 {
		for _, resource := range resources {
			document := s.DocumentObject(serving.KindClient, resource).GetName()
			testenv.Eventually(t, func() error {
				if got := calls.Reads("Secret", document); got <= looks {
					return fmt.Errorf("it was looked at %d times", got)
				}
				return nil
			})
			s.Touch(t, s.Secret(resource.Spec.Credentials.SecretName))
		}
	}
	if writes := calls.Writes(); len(writes) != 0 {
		t.Errorf("it wrote %v", writes)
	}
}

func TestEventsTellWhatHappenedAndNoMore(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, resource)
	reasons := func() []string {
		var all []string
		for _, event := range s.Events(t, resource) {
			all = append(all, strings.Fields(event)[0])
		}
		slices.Sort(all)
		return all
	}
	testenv.Eventually(t, func() error {
		if got := reasons(); !slices.Equal(got, []string{"Ready", "SecretIssued"}) {
			return fmt.Errorf("the events are %v", got)
		}
		return nil
	})
	s.Touch(t, secret)
	s.Update(t, resource, func() {
		resource.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: "now"}
	})
	testenv.Eventually(t, func() error {
		if got := reasons(); !slices.Equal(got, []string{"Ready", "SecretIssued", "SecretIssued", "SecretShown"}) {
			return fmt.Errorf("the events are %v", got)
		}
		return nil
	})
}

func TestNoSecretShows(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	const planted = "planted0planted0planted0planted0planted0planted0"
	generated := s.OAuthClient("generated", "acme")
	secret := ready(t, s, generated)
	issued := text(secret, v1alpha1.KeyClientSecret)
	s.Update(t, secret, func() { secret.Data[v1alpha1.KeyClientSecret] = []byte(planted + "adopted") })
	current(t, s, generated, planted+"adopted")

	existing := s.ExistingClient("existing", "acme")
	users := s.UserSecret("existing-credentials", map[string]string{"client_id": planted + ":", "client_secret": planted})
	s.Create(t, existing, users)
	s.WaitCondition(t, existing, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	s.Update(t, users, func() { users.Data[v1alpha1.KeyClientID] = []byte("is_tbank01") })
	s.WaitReady(t, existing)
	object := s.DocumentObject(serving.KindClient, existing)
	s.Update(t, object, func() { testenv.SetDocument(object, []byte(`{"clientSecret":"`+planted+`"}`)) })
	s.ClientDocument(t, existing, nil)
	s.MustNotShow(t, planted, issued)
}

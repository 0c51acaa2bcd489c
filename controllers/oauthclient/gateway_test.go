package oauthclient_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// unserved answers a gateway that is accepted but waits for the Secret "acme-ca".
func unserved(s *testenv.Setting) *v1alpha1.MerchantGateway {
	gateway := s.Gateway("acme", "MGW_000001")
	gateway.Spec.Delivery.TLS = &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "acme-ca"}}
	return gateway
}

func TestAClientIsNotReadyBeforeItsGatewayIsServed(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway, resource := unserved(s), s.OAuthClient("thales-d1", "acme")
	s.Create(t, gateway)
	s.WaitCondition(t, gateway, v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted)
	s.Create(t, resource)
	condition := s.WaitCondition(t, resource, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonGatewayNotServed)
	if !strings.Contains(condition.Message, `MerchantGateway "acme"`) {
		t.Errorf("the message does not say which gateway: %s", condition.Message)
	}
	s.WaitGone(t, s.DocumentObject(serving.KindClient, resource))

	// The client follows its gateway by itself.
	s.Create(t, s.UserSecret("acme-ca", map[string]string{"ca.crt": testenv.CA(t, "first")}))
	s.WaitReady(t, resource)
	s.ClientDocument(t, resource, nil)
}

func TestAClientStaysReadyWhileTheLastGoodGatewayServes(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	ca := s.UserSecret("acme-ca", map[string]string{"ca.crt": testenv.CA(t, "first")})
	gateway, first, second := unserved(s), s.OAuthClient("first", "acme"), s.OAuthClient("second", "acme")
	s.Create(t, ca, gateway)
	ready(t, s, first)
	s.Delete(t, ca)
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	ready(t, s, second)
	s.Touch(t, s.Secret("first-credentials"))
	s.WaitReady(t, first)
}

func TestAGatewayAndItsClientThatAreAppliedTogetherWarnOfNothing(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	gateway, resource := s.Gateway("acme", "MGW_000001"), s.OAuthClient("thales-d1", "acme")
	s.Create(t, gateway, resource)
	// The gateway waits until its client has been looked at.
	looked := make(chan struct{})
	look := sync.OnceFunc(func() { close(looked) })
	s.StartOperator(t, interceptor.Funcs{
		Apply: func(ctx context.Context, next client.WithWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			if _, ok := object.(*corev1apply.ConfigMapApplyConfiguration); ok {
				<-looked
			}
			return next.Apply(ctx, object, options...)
		},
		SubResourcePatch: func(ctx context.Context, next client.Client, sub string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			err := next.SubResource(sub).Patch(ctx, object, patch, options...)
			if _, ok := object.(*v1alpha1.OAuthClient); ok && err == nil {
				look()
			}
			return err
		},
	})
	s.WaitReady(t, resource)
	// Events are sent in order, so after these two there is no other.
	testenv.Eventually(t, func() error {
		var reasons []string
		for _, event := range s.Events(t, resource) {
			reasons = append(reasons, strings.Fields(event)[0])
		}
		if slices.Sort(reasons); !slices.Equal(reasons, []string{"Ready", "SecretIssued"}) {
			return fmt.Errorf("the events are %v", reasons)
		}
		return nil
	})
}

func TestTheTokenURLFollowsWhatIsServed(t *testing.T) {
	t.Parallel()
	s, gateway := withGateway(t, interceptor.Funcs{})
	first, second := s.OAuthClient("first", "acme"), s.OAuthClient("second", "acme")
	secret := ready(t, s, first)
	served := testenv.ExternalURL + "/oauth2/token"

	// What stands in the spec is not served yet.
	s.Update(t, gateway, func() {
		gateway.Spec.Hostnames = []v1alpha1.Hostname{"d1.acme.example"}
		gateway.Spec.Delivery.TLS = &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "acme-ca"}}
	})
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	if urls := gateway.Status.TokenURLs; len(urls) == 0 || urls[0] != served || gateway.Status.NotificationURL != testenv.ExternalURL {
		t.Errorf("the status shows %v and %s", urls, gateway.Status.NotificationURL)
	}
	if got := text(ready(t, s, second), v1alpha1.KeyTokenURL); got != served {
		t.Errorf("token_url is %s, want %s", got, served)
	}

	s.Create(t, s.UserSecret("acme-ca", map[string]string{"ca.crt": testenv.CA(t, "first")}))
	s.WaitFor(t, secret, func() error {
		if got := text(secret, v1alpha1.KeyTokenURL); got != "https://d1.acme.example/oauth2/token" {
			return fmt.Errorf("token_url is %s", got)
		}
		return nil
	})
}

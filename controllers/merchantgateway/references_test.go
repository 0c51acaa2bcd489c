package merchantgateway_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestASecretThatIsReferredTo goes through the life of one: every change of it is acted on without a change of the gateway.
func TestASecretThatIsReferredTo(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	gateway.Spec.Delivery.TLS = &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "acme-ca"}}
	s.Create(t, gateway)

	condition := s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	if !strings.Contains(condition.Message, "acme-ca") || !strings.Contains(condition.Message, "spec.delivery.tls.caSecretRef") {
		t.Errorf("the message names neither field nor Secret: %s", condition.Message)
	}

	// It is created without the label.
	ca := s.UserSecret("acme-ca", map[string]string{"ca.crt": testenv.CA(t, "first")})
	ca.Labels = nil
	s.Create(t, ca)
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretUseNotAllowed)

	// It gets the label.
	s.Update(t, ca, func() { ca.Labels = map[string]string{v1alpha1.LabelAllowUse: "true"} })
	s.WaitReady(t, gateway)
	first := s.GatewayDocument(t, gateway, nil).Delivery.TLS.CABundle
	if first == "" {
		t.Fatal("the document names no CA bundle")
	}

	// It is edited.
	s.Update(t, ca, func() { ca.StringData = map[string]string{"ca.crt": testenv.CA(t, "second")} })
	second := s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
		if d.Delivery.TLS.CABundle == first {
			return errors.New("the document still names the former CA bundle")
		}
		return nil
	}).Delivery.TLS.CABundle
	s.GatewaySecrets(t, gateway, func(d *serving.GatewaySecrets) error {
		if len(d.CABundles) != 1 || d.CABundles[0].ID != second {
			return errors.New("the former CA bundle was not pruned")
		}
		return nil
	})

	// It is damaged, loses its label and is deleted: the last good configuration serves on.
	stillServed := func() {
		t.Helper()
		if got := s.GatewayDocument(t, gateway, nil).Delivery.TLS.CABundle; got != second {
			t.Errorf("the document names %q, not the last good CA bundle", got)
		}
	}
	s.Update(t, ca, func() { ca.StringData = map[string]string{"ca.crt": "no certificate"} })
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	stillServed()
	s.Update(t, ca, func() { ca.Labels = nil })
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretUseNotAllowed)
	stillServed()
	s.Delete(t, ca)
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	s.WaitCondition(t, gateway, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	stillServed()
}

func TestATransitionTimeStaysWhileTheStatusOfAConditionDoes(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	gateway.Spec.Delivery.TLS = &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "acme-ca"}}
	s.Create(t, gateway)
	before := s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)

	s.Clock.Advance(10 * time.Hour)
	ca := s.UserSecret("acme-ca", map[string]string{"ca.crt": "no certificate"})
	s.Create(t, ca)
	same := s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	if !same.LastTransitionTime.Equal(&before.LastTransitionTime) {
		t.Errorf("it moved from %s to %s although the status is still False", before.LastTransitionTime, same.LastTransitionTime)
	}
	s.Update(t, ca, func() { ca.StringData = map[string]string{"ca.crt": testenv.CA(t, "first")} })
	changed := s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionTrue, v1alpha1.ReasonResolvedRefs)
	if !before.LastTransitionTime.Before(&changed.LastTransitionTime) {
		t.Errorf("it is still %s although the status has changed", changed.LastTransitionTime)
	}
}

package merchantgateway_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestAGatewayWithClientsDrains: the clients stay, and say that their gateway is gone as soon as it is deleted.
func TestAGatewayWithClientsDrains(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway, resource := s.Gateway("acme", "MGW_000001"), s.OAuthClient("thales-d1", "acme")
	s.Create(t, gateway, resource)
	s.WaitReady(t, resource)
	s.Replica.Undelivered(gateway, 12)
	s.Delete(t, gateway)
	waitUndelivered(t, s, gateway, 12)
	s.WaitCondition(t, resource, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonGatewayNotFound)
	s.Delete(t, resource)
	s.WaitGone(t, resource)
	s.WaitGone(t, s.DocumentObject(serving.KindClient, resource))
	s.Replica.Undelivered(gateway, 0)
	mustBeGone(t, s, gateway)
}

// TestNoNamespaceWaitsForUs does what the namespace controller would, in its order and in another, with notifications that nobody will ever deliver.
func TestNoNamespaceWaitsForUs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order string
		down  bool
	}{
		"gateway first":                      {"gateway clients", false},
		"clients first":                      {"clients gateway", false},
		"while the operator is down":         {"gateway clients", true},
		"while it is down and clients first": {"clients gateway", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster.NewSetting(t)
			operator := s.StartOperator(t, interceptor.Funcs{})
			gateway, conflict := s.Gateway("acme", "MGW_000001"), s.Gateway("other", "MGW_000001")
			served, pending := s.OAuthClient("served", "acme"), s.OAuthClient("pending", "missing")
			s.Create(t, gateway)
			s.WaitReady(t, gateway)
			s.Create(t, conflict, served, pending)
			s.WaitReady(t, served)
			s.WaitCondition(t, pending, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonGatewayNotFound)
			s.WaitCondition(t, conflict, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonGatewayIDConflict)
			s.Replica.Undelivered(gateway, 12)
			s.Replica.SayNothingOf(conflict)
			if c.down {
				operator.Stop()
			}
			s.Delete(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Tenant}})
			all := map[string][]client.Object{"gateway": {gateway, conflict}, "clients": {served, pending}}
			for _, kind := range strings.Fields(c.order) {
				s.Delete(t, all[kind]...)
			}
			for _, object := range []client.Object{s.Secret("served-credentials"), s.Secret(gateway.Status.SigningSecretName)} {
				s.WaitFor(t, object, func() error { return nil })
				s.Delete(t, object)
			}
			if c.down {
				s.StartOperator(t, interceptor.Funcs{})
			}
			mustBeGone(t, s, gateway)
			mustBeGone(t, s, conflict)
			for _, resource := range []client.Object{served, pending} {
				s.WaitGone(t, resource)
				s.WaitGone(t, s.DocumentObject(serving.KindClient, resource))
			}
		})
	}
}

// TestWhatWasRemovedByForceWhileTheOperatorWasDown: its documents go when the operator comes.
func TestWhatWasRemovedByForceWhileTheOperatorWasDown(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	operator := s.StartOperator(t, interceptor.Funcs{})
	gateway, resource := s.Gateway("acme", "MGW_000001"), s.OAuthClient("thales-d1", "acme")
	s.Create(t, gateway, resource)
	s.WaitReady(t, resource)
	operator.Stop()
	s.Delete(t, gateway, resource)
	s.Update(t, gateway, func() { gateway.Finalizers = nil })
	s.Update(t, resource, func() { resource.Finalizers = nil })
	s.WaitGone(t, gateway)
	s.WaitGone(t, resource)
	s.StartOperator(t, interceptor.Funcs{})
	mustBeGone(t, s, gateway)
	s.WaitGone(t, s.DocumentObject(serving.KindClient, resource))
}

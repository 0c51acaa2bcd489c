package merchantgateway_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// draining deletes a gateway for which 12 notifications wait, and waits until its status says so.
func draining(t *testing.T, s *testenv.Setting) *v1alpha1.MerchantGateway {
	t.Helper()
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	s.Replica.Undelivered(gateway, 12)
	s.Delete(t, gateway)
	waitUndelivered(t, s, gateway, 12)
	return gateway
}

func waitUndelivered(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway, count int64) {
	t.Helper()
	s.WaitFor(t, gateway, func() error {
		if got := ptr.Deref(gateway.Status.Undelivered, -1); got != count {
			return fmt.Errorf("status.undelivered is %d", got)
		}
		return nil
	})
	for kind, reason := range map[string]string{v1alpha1.ConditionDrained: v1alpha1.ReasonUndeliveredNotifications, v1alpha1.ConditionReady: v1alpha1.ReasonDeleting} {
		condition := s.WaitCondition(t, gateway, kind, metav1.ConditionFalse, reason)
		if !strings.Contains(condition.Message, fmt.Sprintf("%d notifications", count)) {
			t.Errorf("%s does not say how many wait: %s", kind, condition.Message)
		}
	}
}

// TestADestinationCanBeMendedWhileAGatewayDrains: else whoever deletes a gateway with a wrong URL could only give its notifications up.
func TestADestinationCanBeMendedWhileAGatewayDrains(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := draining(t, s)
	s.Update(t, gateway, func() { gateway.Spec.Delivery.URL = "https://mended.acme.example/d1" })
	s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
		if d.Delivery.URL != "https://mended.acme.example/d1" || !d.Draining {
			return fmt.Errorf("it delivers to %s, draining %v", d.Delivery.URL, d.Draining)
		}
		return nil
	})
	s.Replica.Undelivered(gateway, 0)
	s.WaitGone(t, gateway)
}

func isGone(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway) error {
	t.Helper()
	switch err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(gateway), &v1alpha1.MerchantGateway{}); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	default:
		return errors.New("it is still there")
	}
}

func mustBeGone(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway) {
	t.Helper()
	s.WaitGone(t, gateway)
	s.WaitGone(t, s.DocumentObject(serving.KindGateway, gateway))
	s.WaitGone(t, s.DocumentObject(serving.KindGatewaySecrets, gateway))
}

func TestADeletedGatewayWaitsForItsDeliveriesAndSaysHowMany(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := draining(t, s)
	s.WaitEvent(t, gateway, v1alpha1.ReasonUndeliveredNotifications)
	document := s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
		if !d.Draining {
			return errors.New("D1 is still answered")
		}
		return nil
	})
	if missing := document.Missing(s.GatewaySecrets(t, gateway, nil)); missing != "" {
		t.Errorf("what waits cannot be delivered without %s", missing)
	}
	s.Replica.Undelivered(gateway, 3)
	waitUndelivered(t, s, gateway, 3)
	s.Replica.Undelivered(gateway, 0)
	mustBeGone(t, s, gateway)
}

func TestADeletedGatewayDoesNotWait(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway){
		"when its notifications are given up": func(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway) {
			s.Update(t, gateway, func() { gateway.Spec.DeletionPolicy = v1alpha1.DeletionDiscard })
		},
		"when its namespace is deleted": func(t *testing.T, s *testenv.Setting, _ *v1alpha1.MerchantGateway) {
			s.Delete(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Tenant}})
		},
		"when its finalizer is removed by hand": func(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway) {
			s.Update(t, gateway, func() { gateway.Finalizers = nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster.NewSetting(t)
			s.StartOperator(t, interceptor.Funcs{})
			gateway := draining(t, s)
			end(t, s, gateway)
			mustBeGone(t, s, gateway)
		})
	}
	t.Run("when its notifications were given up before", func(t *testing.T) {
		t.Parallel()
		s := cluster.NewSetting(t)
		calls := &testenv.Calls{}
		s.StartOperator(t, calls.Funcs())
		gateway := s.Gateway("acme", "MGW_000001")
		gateway.Spec.DeletionPolicy = v1alpha1.DeletionDiscard
		s.Create(t, gateway)
		s.WaitReady(t, gateway)
		s.Replica.Undelivered(gateway, 12)
		done := len(calls.Writes())
		s.Delete(t, gateway)
		mustBeGone(t, s, gateway)
		if writes := calls.Writes()[done:]; len(writes) != 3 {
			t.Errorf("its end has cost %q", writes)
		}
	})
	t.Run("when it was never served", func(t *testing.T) {
		t.Parallel()
		s := cluster.NewSetting(t)
		s.StartOperator(t, interceptor.Funcs{})
		gateway := s.Gateway("acme", "MGW_000001")
		gateway.Spec.Delivery.TLS = &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "missing"}}
		s.Create(t, gateway)
		s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
		s.Delete(t, gateway)
		mustBeGone(t, s, gateway)
	})
}

// TestAReplicaThatSaysNothingIsWaitedFor: it may have notifications that nobody else knows of.
func TestAReplicaThatSaysNothingIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	silent := s.StartReplica(t, "webhook-server-1")
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	silent.SayNothingOf(gateway)
	s.Delete(t, gateway)
	s.WaitCondition(t, gateway, v1alpha1.ConditionDrained, metav1.ConditionFalse, v1alpha1.ReasonDraining)
	if gateway.Status.Undelivered != nil {
		t.Errorf("status.undelivered is %d although nobody knows", *gateway.Status.Undelivered)
	}
	if slices.ContainsFunc(s.Events(t, gateway), func(event string) bool { return strings.HasPrefix(event, v1alpha1.ReasonDraining) }) {
		t.Error("every deletion sends a warning")
	}
	silent.Undelivered(gateway, 2)
	waitUndelivered(t, s, gateway, 2)
	// It is restarted, with the notifications in a store of its own. That the other one has none says nothing of them.
	silent.Stop(t)
	s.WaitFor(t, gateway, func() error {
		drained := meta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionDrained)
		if drained == nil || !strings.Contains(drained.Message, "last said so") {
			return fmt.Errorf("the conditions are %v", gateway.Status.Conditions)
		}
		return nil
	})
	comesBack(t, s, "webhook-server-1")
	mustBeGone(t, s, gateway)
}

// comesBack starts a replica again that has stopped. It has delivered everything.
func comesBack(t *testing.T, s *testenv.Setting, name string) {
	t.Helper()
	s.Delete(t, &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Namespace: s.System, Name: name}})
	s.StartReplica(t, name)
}

// TestNobodyIsThereToSayWhatWaits: two minutes without a replica end the wait, unless the last one has left something undelivered.
func TestNobodyIsThereToSayWhatWaits(t *testing.T) {
	t.Parallel()
	t.Run("and nobody has said that anything does", func(t *testing.T) {
		t.Parallel()
		s := cluster.NewSetting(t)
		s.StartOperator(t, interceptor.Funcs{})
		gateway := s.Gateway("acme", "MGW_000001")
		s.Create(t, gateway)
		s.WaitReady(t, gateway)
		s.Replica.SayNothingOf(gateway)
		s.Delete(t, gateway)
		s.WaitCondition(t, gateway, v1alpha1.ConditionDrained, metav1.ConditionFalse, v1alpha1.ReasonDraining)
		s.Replica.Stop(t)
		// The two minutes begin when the operator has seen it.
		testenv.Eventually(t, func() error {
			s.ReplicaClock.Advance(2*time.Minute + time.Second)
			return isGone(t, s, gateway)
		})
		mustBeGone(t, s, gateway)
	})
	t.Run("and the last one had something left", func(t *testing.T) {
		t.Parallel()
		s := cluster.NewSetting(t)
		first := s.StartOperator(t, interceptor.Funcs{})
		gateway := draining(t, s)
		s.Replica.Stop(t)
		first.Stop()
		s.ReplicaClock.Advance(2*time.Minute + time.Second)
		calls := &testenv.Calls{}
		s.StartOperator(t, calls.Funcs())
		for looks := range 2 { // the second some seconds later, by itself
			testenv.Eventually(t, func() error {
				if got := calls.Reads("ConfigMap", s.DocumentObject(serving.KindGateway, gateway).GetName()); got <= looks {
					return fmt.Errorf("it was looked at %d times", got)
				}
				return nil
			})
		}
		if isGone(t, s, gateway) == nil {
			t.Fatal("twelve notifications are lost because no server ran for two minutes")
		}
		comesBack(t, s, "webhook-server-0")
		mustBeGone(t, s, gateway)
	})
}

// TestTheOperatorComesBackWhileAGatewayDrains: what is known is with the replicas, not in the operator's memory.
func TestTheOperatorComesBackWhileAGatewayDrains(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	first := s.StartOperator(t, interceptor.Funcs{})
	gateway := draining(t, s)
	first.Stop()
	calls := &testenv.Calls{}
	s.StartOperator(t, calls.Funcs())
	testenv.Eventually(t, func() error {
		if calls.Reads("MerchantGateway", gateway.Name) == 0 {
			return errors.New("it was not looked at")
		}
		return nil
	})
	s.Replica.Undelivered(gateway, 4)
	waitUndelivered(t, s, gateway, 4)
	if writes := calls.Writes(); !slices.Equal(writes, []string{"status MerchantGateway acme"}) {
		t.Errorf("it wrote %q", writes)
	}
	s.Replica.Undelivered(gateway, 0)
	mustBeGone(t, s, gateway)
}

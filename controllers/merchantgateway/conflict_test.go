package merchantgateway_test

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

func TestTheSecondGatewayOfAnIDTakesOverWhenTheFirstIsDeleted(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	// The names make the order certain when both are created in the same second.
	first, second := s.Gateway("a-first", "MGW_000001"), s.Gateway("b-second", "MGW_000001")
	s.Create(t, first)
	s.WaitReady(t, first)
	s.Create(t, second)
	condition := s.WaitCondition(t, second, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonGatewayIDConflict)
	if !strings.Contains(condition.Message, s.Tenant+"/a-first") {
		t.Errorf("the message does not say who holds it: %s", condition.Message)
	}
	s.WaitGone(t, s.DocumentObject(serving.KindGateway, second))
	testenv.Eventually(t, func() error {
		if !slices.ContainsFunc(s.Events(t, second), func(e string) bool { return strings.HasPrefix(e, v1alpha1.ReasonGatewayIDConflict) }) {
			return errors.New("there is no event of the conflict")
		}
		return nil
	})

	s.Delete(t, first)
	s.WaitReady(t, second)
	s.GatewayDocument(t, second, nil)
	s.WaitGone(t, s.DocumentObject(serving.KindGateway, first))
}

func TestADeletedGatewayLeavesNothing(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)
	s.Delete(t, gateway)
	s.WaitGone(t, gateway)
	for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
		s.WaitGone(t, s.DocumentObject(kind, gateway))
	}
}

func TestAGatewayRemovedByForceLeavesNothing(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	operator := s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	s.WaitReady(t, gateway)

	// While no operator runs, somebody removes the finalizer.
	operator.Stop()
	s.Delete(t, gateway)
	s.Update(t, gateway, func() { gateway.Finalizers = nil })
	s.WaitGone(t, gateway)

	s.StartOperator(t, interceptor.Funcs{})
	for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
		s.WaitGone(t, s.DocumentObject(kind, gateway))
	}
}

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

// TestAGatewayDoesNotInheritFromAnEarlierOneOfItsName has somebody remove the finalizer while no operator runs, and create the gateway anew.
func TestAGatewayDoesNotInheritFromAnEarlierOneOfItsName(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1alpha1.MerchantGateway){
		"one that can be served": func(*v1alpha1.MerchantGateway) {},
		"one that cannot": func(g *v1alpha1.MerchantGateway) {
			g.Spec.Delivery.TLS = &v1alpha1.ClientTLS{CASecretRef: &v1alpha1.SecretReference{Name: "missing"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster.NewSetting(t)
			operator := s.StartOperator(t, interceptor.Funcs{})
			former := s.Gateway("acme", "MGW_000001")
			s.Create(t, former)
			s.WaitReady(t, former)
			before := s.GatewaySecrets(t, former, nil)
			operator.Stop()
			s.Delete(t, former)
			s.Update(t, former, func() { former.Finalizers = nil })
			s.WaitGone(t, former)
			s.Delete(t, s.Secret("acme-delivery-signing")) // The garbage collector would.

			gateway := s.Gateway("acme", "MGW_000001")
			change(gateway)
			s.Create(t, gateway)
			s.StartOperator(t, interceptor.Funcs{})
			if gateway.Spec.Delivery.TLS != nil {
				for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
					s.WaitGone(t, s.DocumentObject(kind, gateway))
				}
				return
			}
			s.WaitReady(t, gateway)
			after := s.GatewaySecrets(t, gateway, nil)
			if after.UID != string(gateway.UID) || len(after.SigningKeys) != 1 || len(after.SigningSecrets) != 1 {
				t.Fatalf("the secrets are not the gateway's alone: uid %q, %d signing keys, %d signing secrets", after.UID, len(after.SigningKeys), len(after.SigningSecrets))
			}
			if after.SigningKeys[0].ID == before.SigningKeys[0].ID || after.SigningSecrets[0].ID == before.SigningSecrets[0].ID {
				t.Error("it signs with what the former gateway signed with")
			}
		})
	}
}

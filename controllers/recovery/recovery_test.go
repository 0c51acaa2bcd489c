// Package recovery holds the tests that need an API server of their own: it goes away, or the project's definitions do.
package recovery

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// start answers a setting on an API server of its own, with an operator that runs.
func start(t *testing.T) *testenv.Setting {
	t.Helper()
	return startWith(t, interceptor.Funcs{})
}

// served creates a gateway and a client and waits until they are ready.
func served(t *testing.T, s *testenv.Setting) (*v1alpha1.MerchantGateway, *v1alpha1.OAuthClient) {
	t.Helper()
	gateway, resource := s.Gateway("acme", "MGW_000001"), s.OAuthClient("thales-d1", "acme")
	s.Create(t, gateway, resource)
	s.WaitReady(t, gateway)
	s.WaitReady(t, resource)
	return gateway, resource
}

func mustBeGone(t *testing.T, s *testenv.Setting, gateway *v1alpha1.MerchantGateway, resource *v1alpha1.OAuthClient) {
	t.Helper()
	s.WaitGone(t, s.DocumentObject(serving.KindGateway, gateway))
	s.WaitGone(t, s.DocumentObject(serving.KindGatewaySecrets, gateway))
	s.WaitGone(t, s.DocumentObject(serving.KindClient, resource))
}

// TestTheAPIServerIsAwayForAWhile: the operator, which does not lead or wait for its turn, needs nobody to start it anew.
func TestTheAPIServerIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	s := start(t)
	gateway, resource := served(t, s)
	s.StopAPIServer(t)
	s.StartAPIServer(t)

	second := s.OAuthClient("second", "acme")
	s.Create(t, second)
	s.WaitReady(t, second)
	s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientSuspended })
	s.WaitReady(t, resource)
	object := s.DocumentObject(serving.KindGateway, gateway)
	s.Delete(t, object)
	s.GatewayDocument(t, gateway, nil)
	s.Delete(t, resource, second, gateway)
	s.WaitGone(t, second)
	mustBeGone(t, s, gateway, resource)
}

// TestALongOutageIsNotMadeLongerByTheOperator: after as long client-go would rest for half a minute and more before it looks again, and what was
// created meanwhile would wait for it. It takes some two seconds; the bound is generous to a machine that is busy.
func TestALongOutageIsNotMadeLongerByTheOperator(t *testing.T) {
	t.Parallel()
	const outage, bound = 40 * time.Second, 20 * time.Second
	s := start(t)
	_, resource := served(t, s)
	s.StopAPIServer(t)
	select {
	case <-time.After(outage):
	case <-t.Context().Done():
	}
	s.StartAPIServer(t)

	back := time.Now()
	second := s.OAuthClient("second", "acme")
	s.Create(t, second)
	s.WaitReady(t, second)
	created := time.Since(back)
	s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientSuspended })
	s.WaitReady(t, resource)
	t.Logf("the API server was away for %s; %s after its return a client that was created then was Ready", outage, created.Round(time.Millisecond))
	if created > bound {
		t.Errorf("a client that was created after the outage was Ready after %s", created)
	}
}

// TestTheDefinitionsAreRemovedAndPutBack: the definitions go when their resources have gone, the resources when the operator lets them go. That
// notifications wait is no obstacle: with the definition of the reports gone, nobody could ever say that they do not wait any more.
func TestTheDefinitionsAreRemovedAndPutBack(t *testing.T) {
	t.Parallel()
	s := start(t)
	gateway, resource := served(t, s)
	s.Replica.Undelivered(gateway, 12)
	s.RemoveDefinitions(t)
	s.WaitNoDefinitions(t)
	mustBeGone(t, s, gateway, resource)

	s.RestoreDefinitions(t)
	for _, secret := range []string{resource.Spec.Credentials.SecretName, gateway.Status.SigningSecretName} {
		s.Delete(t, s.Secret(secret)) // The garbage collector would.
	}
	gateway, resource = served(t, s)
	s.Update(t, resource, func() { resource.Spec.State = v1alpha1.ClientSuspended })
	s.WaitReady(t, resource)
	s.Delete(t, resource, gateway)
	s.WaitGone(t, gateway)
	mustBeGone(t, s, gateway, resource)
}

// TestOnlyTheDefinitionOfGatewaysIsRemoved: what waits is delivered first, and it is said.
func TestOnlyTheDefinitionOfGatewaysIsRemoved(t *testing.T) {
	t.Parallel()
	s := start(t)
	gateway, _ := served(t, s)
	s.Replica.Undelivered(gateway, 12)
	s.RemoveDefinitions(t, "merchantgateways")
	s.WaitFor(t, gateway, func() error {
		drained := meta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionDrained)
		if drained == nil || drained.Status != metav1.ConditionFalse || !strings.Contains(drained.Message, "12") {
			return fmt.Errorf("the conditions are %v", gateway.Status.Conditions)
		}
		return nil
	})
	s.Update(t, gateway, func() { gateway.Spec.DeletionPolicy = v1alpha1.DeletionDiscard })
	s.WaitNoDefinitions(t, "merchantgateways")
	s.WaitGone(t, s.DocumentObject(serving.KindGateway, gateway))
}

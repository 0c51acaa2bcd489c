package oauthclient_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

func TestADeletedClientLeavesNoDocument(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	ready(t, s, client)
	s.Delete(t, client)
	s.WaitGone(t, client)
	s.WaitGone(t, s.DocumentObject(serving.KindClient, client))
}

func TestAGatewayMayGoBeforeItsClients(t *testing.T) {
	t.Parallel()
	s, gateway := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	ready(t, s, client)
	s.Delete(t, gateway)
	s.WaitGone(t, gateway)
	s.WaitGone(t, s.DocumentObject(serving.KindGateway, gateway))
	s.WaitCondition(t, client, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonGatewayNotFound)
	s.Delete(t, client)
	s.WaitGone(t, client)
	s.WaitGone(t, s.DocumentObject(serving.KindClient, client))
}

// TestANamespaceIsDeletedWithAllThatIsInIt does what the namespace controller would: it deletes everything, Secrets first.
func TestANamespaceIsDeletedWithAllThatIsInIt(t *testing.T) {
	t.Parallel()
	s, gateway := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, client)
	signing := s.Secret(gateway.Status.SigningSecretName)

	s.Delete(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Tenant}})
	s.Delete(t, secret, signing, gateway, client)
	s.WaitGone(t, gateway)
	s.WaitGone(t, client)
	s.WaitGone(t, s.DocumentObject(serving.KindGateway, gateway))
	s.WaitGone(t, s.DocumentObject(serving.KindGatewaySecrets, gateway))
	s.WaitGone(t, s.DocumentObject(serving.KindClient, client))
}

func TestAClientIsDeletedAlthoughTheSystemNamespaceIsGone(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	s.System += "-missing"
	s.WithoutReplica = true
	s.StartOperator(t, interceptor.Funcs{})
	client := s.ExistingClient("thales-d1", "acme")
	s.Create(t, client)
	s.WaitCondition(t, client, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonGatewayNotFound)
	s.Delete(t, client)
	s.WaitGone(t, client)
}

func TestAClientRemovedByForceLeavesNoDocument(t *testing.T) {
	t.Parallel()
	s := cluster.NewSetting(t)
	operator := s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway("acme", "MGW_000001")
	s.Create(t, gateway)
	client := s.OAuthClient("thales-d1", "acme")
	ready(t, s, client)
	operator.Stop()
	s.Delete(t, client)
	s.Update(t, client, func() { client.Finalizers = nil })
	s.WaitGone(t, client)
	s.StartOperator(t, interceptor.Funcs{})
	s.WaitGone(t, s.DocumentObject(serving.KindClient, client))
}

func TestAClientThatIsCreatedAgainGetsAnotherSecret(t *testing.T) {
	t.Parallel()
	s, _ := withGateway(t, interceptor.Funcs{})
	client := s.OAuthClient("thales-d1", "acme")
	secret := ready(t, s, client)
	before := text(secret, v1alpha1.KeyClientSecret)
	s.Delete(t, client)
	s.WaitGone(t, client)
	s.Delete(t, secret) // The garbage collector would.
	again := s.OAuthClient("thales-d1", "acme")
	after := ready(t, s, again)
	if text(after, v1alpha1.KeyClientSecret) == before {
		t.Error("it got the secret of the client that was deleted")
	}
	if document := current(t, s, again, text(after, v1alpha1.KeyClientSecret)); len(document.Credentials) != 1 {
		t.Errorf("%d secrets work", len(document.Credentials))
	}
}

// TestAClientDoesNotInheritFromAnEarlierOneOfItsName has somebody remove the finalizer while no operator runs, and create the client anew.
func TestAClientDoesNotInheritFromAnEarlierOneOfItsName(t *testing.T) {
	t.Parallel()
	for name, gateway := range map[string]string{"one that can be served": "acme", "one that cannot": "missing"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster.NewSetting(t)
			operator := s.StartOperator(t, interceptor.Funcs{})
			s.Create(t, s.Gateway("acme", "MGW_000001"))
			former := s.OAuthClient("thales-d1", "acme")
			secret := ready(t, s, former)
			id := text(secret, v1alpha1.KeyClientID)
			operator.Stop()
			s.Delete(t, former)
			s.Update(t, former, func() { former.Finalizers = nil })
			s.WaitGone(t, former)
			s.Delete(t, secret) // The garbage collector would.

			client := s.OAuthClient("thales-d1", gateway)
			s.Create(t, client)
			s.StartOperator(t, interceptor.Funcs{})
			if gateway == "missing" {
				s.WaitGone(t, s.DocumentObject(serving.KindClient, client))
				return
			}
			s.WaitReady(t, client)
			document := s.ClientDocument(t, client, nil)
			if document.UID != string(client.UID) || len(document.Credentials) != 1 || document.ClientID == id {
				t.Errorf("it has the client id %q (the former one had %q) and %d secrets", document.ClientID, id, len(document.Credentials))
			}
		})
	}
}

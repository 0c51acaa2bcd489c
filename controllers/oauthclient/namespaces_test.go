package oauthclient_test

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestDocumentsOfOtherNamespacesAreLeftAlone: two operators may share the system namespace, each with namespaces of its own.
func TestDocumentsOfOtherNamespacesAreLeftAlone(t *testing.T) {
	t.Parallel()
	s, gateway := withGateway(t, interceptor.Funcs{})
	resource := s.OAuthClient("thales-d1", "acme")
	ready(t, s, resource)

	other := *s
	other.Tenant, other.Log = s.Namespace(t, "other"), &testenv.Log{}
	calls := &testenv.Calls{}
	other.StartOperator(t, calls.Funcs())
	others := other.OAuthClient("thales-d1", "acme")
	other.Create(t, other.Gateway("acme", "MGW_000002"))
	ready(t, &other, others)

	// The second operator is told of a change to each document of the first, and then of one that it answers for.
	for _, object := range []client.Object{
		s.DocumentObject(serving.KindGateway, gateway), s.DocumentObject(serving.KindGatewaySecrets, gateway), s.DocumentObject(serving.KindClient, resource),
	} {
		s.Touch(t, object)
	}
	other.Delete(t, other.DocumentObject(serving.KindClient, others))
	other.ClientDocument(t, others, nil)
	if log := other.Log.String(); strings.Contains(log, "unknown namespace") || strings.Contains(log, "level=ERROR") {
		t.Errorf("it logged\n%s", log)
	}
	if slices.ContainsFunc(calls.Writes(), func(call string) bool { return strings.Contains(call, "."+s.Tenant+".") }) {
		t.Errorf("it wrote %v", calls.Writes())
	}
	s.ClientDocument(t, resource, nil)
	s.WaitReady(t, resource)
}

package documents_test

import (
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
)

func TestTheOwnerOfADocument(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind   serving.Kind
		object string
		want   string
	}{
		"a gateway":                          {serving.KindGateway, "gateway.payments.acme", "payments/acme"},
		"the secrets of a gateway":           {serving.KindGatewaySecrets, "gateway-secrets.payments.acme", "payments/acme"},
		"a client":                           {serving.KindClient, "client.payments.thales-d1", "payments/thales-d1"},
		"a name with dots":                   {serving.KindClient, "client.payments.a.b.c", "payments/a.b.c"},
		"a document of another kind":         {serving.KindGateway, "gateway-secrets.payments.acme", ""},
		"an object that holds no document":   {serving.KindClient, "client", ""},
		"an object without a name":           {serving.KindClient, "client.payments.", ""},
		"an object without a namespace":      {serving.KindClient, "client..thales-d1", ""},
		"an object that only looks like one": {serving.KindClient, "clients.payments.thales-d1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := documents.Owner(tc.kind, tc.object)
			if ok != (tc.want != "") || (ok && got.String() != tc.want) {
				t.Errorf("it is %s, %t", got, ok)
			}
		})
	}
}

func FuzzOwnerIsTheInverseOfObjectName(f *testing.F) {
	f.Add("payments", "thales-d1")
	f.Add("payments", "a.b")
	f.Fuzz(func(t *testing.T, namespace, name string) {
		for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets, serving.KindClient} {
			head := serving.Header{Kind: kind, Namespace: namespace, Name: name}
			owner, ok := documents.Owner(kind, head.ObjectName())
			if ok && (serving.Header{Kind: kind, Namespace: owner.Namespace, Name: owner.Name}).ObjectName() != head.ObjectName() {
				t.Errorf("%q is said to be of %s", head.ObjectName(), owner)
			}
		}
	})
}

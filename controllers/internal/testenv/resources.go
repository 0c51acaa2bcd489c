package testenv

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Gateway answers a MerchantGateway with one merchant and one destination; change its spec before it is created.
func (s *Setting) Gateway(name, gatewayID string) *v1alpha1.MerchantGateway {
	return &v1alpha1.MerchantGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Tenant, Name: name},
		Spec: v1alpha1.MerchantGatewaySpec{
			GatewayID: gatewayID,
			Merchants: v1alpha1.Merchants{Items: []v1alpha1.Merchant{{ID: "40010000001"}}},
			Delivery:  v1alpha1.Delivery{URL: "https://vault.acme.example/d1/notifications"},
		},
	}
}

// OAuthClient answers an OAuthClient with generated credentials in the Secret <name>-credentials.
func (s *Setting) OAuthClient(name, gateway string) *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Tenant, Name: name},
		Spec: v1alpha1.OAuthClientSpec{
			GatewayRef:  v1alpha1.GatewayReference{Name: gateway},
			Credentials: v1alpha1.ClientCredentials{SecretName: name + "-credentials"},
		},
	}
}

// ExistingClient answers an OAuthClient whose credentials the user keeps in the Secret <name>-credentials.
func (s *Setting) ExistingClient(name, gateway string) *v1alpha1.OAuthClient {
	c := s.OAuthClient(name, gateway)
	c.Spec.Credentials.Source = v1alpha1.CredentialsExisting
	return c
}

// UserSecret answers a Secret of the user's that the operator may use.
func (s *Setting) UserSecret(name string, data map[string]string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Tenant, Name: name, Labels: map[string]string{v1alpha1.LabelAllowUse: "true"}},
		StringData: data,
	}
}

// Secret answers a Secret of the tenant by name, to be read or waited for.
func (s *Setting) Secret(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Tenant, Name: name}}
}

// Create creates objects.
func (c *Cluster) Create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := c.Client.Create(t.Context(), object); err != nil {
			t.Fatalf("creating %T %s: %v", object, object.GetName(), err)
		}
	}
}

// Update reads an object, changes it and writes it back.
func (c *Cluster) Update(t *testing.T, object client.Object, change func()) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := c.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change()
		return c.Client.Update(t.Context(), object)
	})
	if err != nil {
		t.Fatalf("updating %T %s: %v", object, object.GetName(), err)
	}
}

// Delete deletes objects without waiting for their finalizers.
func (c *Cluster) Delete(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := c.Client.Delete(t.Context(), object); err != nil {
			t.Fatalf("deleting %T %s: %v", object, object.GetName(), err)
		}
	}
}

// Touch changes an object in a way that means nothing, so that it is looked at again.
func (c *Cluster) Touch(t *testing.T, object client.Object) {
	t.Helper()
	c.Update(t, object, func() {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations["touched"] += "."
		object.SetAnnotations(annotations)
	})
}

// DocumentObject answers the object in the system namespace that holds the document of a resource.
func (s *Setting) DocumentObject(kind serving.Kind, resource client.Object) client.Object {
	head := serving.Header{Kind: kind, Namespace: resource.GetNamespace(), Name: resource.GetName()}
	meta := metav1.ObjectMeta{Namespace: s.System, Name: head.ObjectName()}
	if kind == serving.KindGateway {
		return &corev1.ConfigMap{ObjectMeta: meta}
	}
	return &corev1.Secret{ObjectMeta: meta}
}

// SetDocument puts bytes where a document stands.
func SetDocument(object client.Object, raw []byte) {
	switch o := object.(type) {
	case *corev1.ConfigMap:
		o.Data = map[string]string{serving.DataKey: string(raw)}
	case *corev1.Secret:
		o.Data = map[string][]byte{serving.DataKey: raw}
	}
}

func documentOf(object client.Object) []byte {
	switch o := object.(type) {
	case *corev1.ConfigMap:
		return []byte(o.Data[serving.DataKey])
	case *corev1.Secret:
		return o.Data[serving.DataKey]
	default:
		return nil
	}
}

// WaitDocument waits until the document of a resource can be decoded and check answers nil for it.
func WaitDocument[D serving.Document](t *testing.T, s *Setting, kind serving.Kind, resource client.Object, check func(D) error) D {
	t.Helper()
	var document D
	object := s.DocumentObject(kind, resource)
	s.WaitFor(t, object, func() error {
		if object.GetLabels()[serving.LabelDocument] != string(kind) {
			return fmt.Errorf("the object of the document is not labelled")
		}
		decoded, err := serving.Decode(documentOf(object))
		if err != nil {
			return err
		}
		d, ok := decoded.(D)
		if !ok {
			return fmt.Errorf("the document is a %T", decoded)
		}
		document = d
		if check == nil {
			return nil
		}
		return check(d)
	})
	return document
}

// GatewayDocument waits for the Gateway document of a resource for which check, when not nil, answers nil.
func (s *Setting) GatewayDocument(t *testing.T, g *v1alpha1.MerchantGateway, check func(*serving.Gateway) error) *serving.Gateway {
	t.Helper()
	return WaitDocument(t, s, serving.KindGateway, g, check)
}

// GatewaySecrets waits for the GatewaySecrets document of a resource for which check, when not nil, answers nil.
func (s *Setting) GatewaySecrets(t *testing.T, g *v1alpha1.MerchantGateway, check func(*serving.GatewaySecrets) error) *serving.GatewaySecrets {
	t.Helper()
	return WaitDocument(t, s, serving.KindGatewaySecrets, g, check)
}

// ClientDocument waits for the Client document of a resource for which check, when not nil, answers nil.
func (s *Setting) ClientDocument(t *testing.T, c *v1alpha1.OAuthClient, check func(*serving.Client) error) *serving.Client {
	t.Helper()
	return WaitDocument(t, s, serving.KindClient, c, check)
}

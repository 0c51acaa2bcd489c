package translate

import (
	"slices"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// GatewaySecretNames answers the names of all Secrets that decide about a gateway: those it refers to and makes use of, and that of its generated
// delivery signing secret when it needs one. They are sorted and in its namespace.
func GatewaySecretNames(g *v1alpha1.MerchantGateway) []string {
	var names []string
	add := func(ref *v1alpha1.SecretReference) {
		if ref != nil {
			names = append(names, ref.Name)
		}
	}
	addTLS := func(t *v1alpha1.ClientTLS) {
		if t != nil {
			add(t.CASecretRef)
			add(t.ClientCertificateSecretRef)
		}
	}
	addOAuth := func(o *v1alpha1.DeliveryOAuth) {
		if o != nil {
			add(&o.SecretRef)
			addTLS(o.TLS)
		}
	}
	if g.Spec.TLS != nil {
		add(&g.Spec.TLS.CertificateSecretRef)
	}
	if g.Spec.Authentication.ClientCertificate.Mode == v1alpha1.ClientCertificateRequired {
		add(g.Spec.Authentication.ClientCertificate.CASecretRef)
	}
	all := deliveriesOf(g)
	for _, d := range all.inOrder() {
		addTLS(d.TLS)
		addOAuth(d.OAuth)
		if d.Signing != nil {
			add(d.Signing.SecretRef)
		}
	}
	if all.generated() {
		names = append(names, deliverySecretName(g))
	}
	if g.Spec.TokenLookup != nil {
		addTLS(g.Spec.TokenLookup.TLS)
		addOAuth(g.Spec.TokenLookup.OAuth)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

package translate

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// defaultMaxInFlight stands in where a rateLimit was written before the schema had its default.
const defaultMaxInFlight = 10

// delivery is a delivery with its overrides merged in. It remembers where its references stand, so that a problem names the field to mend.
type delivery struct {
	v1alpha1.Delivery
	signingAt, tlsAt *field.Path
}

// deliveries are those of a gateway: the default one, nil when it has no URL, and each merchant's own by merchant id.
type deliveries struct {
	fallback *delivery
	own      map[string]delivery
}

func deliveriesOf(g *v1alpha1.MerchantGateway) deliveries {
	at := field.NewPath("spec", "delivery")
	base := delivery{g.Spec.Delivery, at.Child("signing", "secretRef"), at.Child("tls")}
	all := deliveries{own: map[string]delivery{}}
	if base.URL != "" {
		all.fallback = &base
	}
	for _, m := range g.Spec.Merchants.Items {
		if m.Delivery != nil {
			all.own[m.ID] = base.with(m.Delivery, field.NewPath("spec", "merchants", "items").Key(m.ID).Child("delivery"))
		}
	}
	return all
}

// inOrder answers all deliveries, the default first and then by merchant id, so that problems have a stable order.
func (d deliveries) inOrder() []delivery {
	var all []delivery
	if d.fallback != nil {
		all = append(all, *d.fallback)
	}
	for _, id := range sortedKeys(d.own) {
		all = append(all, d.own[id])
	}
	return all
}

// generated says whether some delivery is signed with the generated secret.
func (d deliveries) generated() bool {
	return slices.ContainsFunc(d.inOrder(), func(one delivery) bool { return one.Signing == nil })
}

// with answers d with the fields of the override in place of its own.
func (d delivery) with(o *v1alpha1.DeliveryOverride, at *field.Path) delivery {
	d.Mode = cmp.Or(o.Mode, d.Mode)
	d.URL = cmp.Or(o.URL, d.URL)
	d.TimeoutSeconds = cmp.Or(o.TimeoutSeconds, d.TimeoutSeconds)
	if o.Retry != nil {
		d.Retry = *o.Retry
	}
	if o.RateLimit != nil {
		d.RateLimit = *o.RateLimit
	}
	if o.Signing != nil {
		d.Signing, d.signingAt = o.Signing, at.Child("signing", "secretRef")
	}
	if o.TLS != nil {
		d.TLS, d.tlsAt = o.TLS, at.Child("tls")
	}
	return d
}

// destination resolves a delivery. generated are the ids of the generated signing secret.
func (r *references) destination(d delivery, generated []string) *serving.Destination {
	signing := generated
	if d.Signing != nil {
		signing = r.signingSecrets(d.signingAt, &d.Signing.SecretRef)
	}
	return &serving.Destination{
		Synchronous:    d.Mode == v1alpha1.DeliverySynchronous,
		URL:            string(d.URL),
		TimeoutSeconds: int(d.TimeoutSeconds),
		Retry: serving.Retry{
			MaxAgeHours:    int(d.Retry.MaxAgeHours),
			InitialSeconds: int(d.Retry.InitialSeconds),
			MaxSeconds:     int(d.Retry.MaxSeconds),
		},
		SigningSecrets: signing,
		TLS:            r.tls(d.tlsAt, d.TLS, v1alpha1.CertificateDeliveryCA, v1alpha1.CertificateDeliveryClient),
		MaxPerSecond:   int(d.RateLimit.PerSecond),
		MaxInFlight:    int(cmp.Or(d.RateLimit.MaxInFlight, defaultMaxInFlight)),
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

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
	signingAt, tlsAt, oauthAt *field.Path
}

// deliveries are those of a gateway: the default one, nil when it has no URL, and each merchant's own by merchant id.
type deliveries struct {
	fallback *delivery
	own      map[string]delivery
}

func deliveriesOf(g *v1alpha1.MerchantGateway) deliveries {
	at := field.NewPath("spec", "delivery")
	base := delivery{g.Spec.Delivery, at.Child("signing"), at.Child("tls"), at.Child("oauth")}
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

// generated says whether some delivery is signed with generated material.
func (d deliveries) generated() bool {
	return slices.ContainsFunc(d.inOrder(), func(one delivery) bool { return len(one.algorithms()) > 0 })
}

// algorithms answers which generated material signs the delivery; none when a Secret of the user's does.
func (d delivery) algorithms() []v1alpha1.DeliverySigningAlgorithm {
	switch {
	case d.Signing == nil:
		return []v1alpha1.DeliverySigningAlgorithm{v1alpha1.SigningHMAC}
	case d.Signing.SecretRef != nil:
		return nil
	case len(d.Signing.Algorithms) == 0:
		return []v1alpha1.DeliverySigningAlgorithm{v1alpha1.SigningHMAC}
	default:
		return d.Signing.Algorithms
	}
}

// with answers d with the fields of the override in place of its own.
func (d delivery) with(o *v1alpha1.DeliveryOverride, at *field.Path) delivery {
	d.Mode = cmp.Or(o.Mode, d.Mode)
	d.URL = cmp.Or(o.URL, d.URL)
	d.TimeoutSeconds = cmp.Or(o.TimeoutSeconds, d.TimeoutSeconds)
	d.Order = cmp.Or(o.Order, d.Order)
	d.Repeats = cmp.Or(o.Repeats, d.Repeats)
	if o.Retry != nil {
		d.Retry = *o.Retry
	}
	if o.RateLimit != nil {
		d.RateLimit = *o.RateLimit
	}
	if o.Signing != nil {
		d.Signing, d.signingAt = o.Signing, at.Child("signing")
	}
	if o.TLS != nil {
		d.TLS, d.tlsAt = o.TLS, at.Child("tls")
	}
	if o.OAuth != nil {
		d.OAuth, d.oauthAt = o.OAuth, at.Child("oauth")
	}
	return d
}

// destination resolves a delivery. generated answers the ids of generated material that signs with these algorithms.
func (r *references) destination(d delivery, generated func([]v1alpha1.DeliverySigningAlgorithm) []string) *serving.Destination {
	var signing []string
	if algorithms := d.algorithms(); len(algorithms) > 0 {
		signing = generated(algorithms)
	} else {
		signing = r.signingSecrets(d.signingAt.Child("secretRef"), d.Signing.SecretRef)
	}
	return &serving.Destination{
		Synchronous:    d.Mode == v1alpha1.DeliverySynchronous,
		URL:            string(d.URL),
		TimeoutSeconds: int(d.TimeoutSeconds),
		Retry:          retryOf(d.Retry),
		Ordered:        d.Order == v1alpha1.OrderPerToken,
		MergeRepeats:   d.Repeats == v1alpha1.RepeatsMerge,
		SigningSecrets: signing,
		TLS:            r.tls(d.tlsAt, d.TLS, v1alpha1.CertificateDeliveryCA, v1alpha1.CertificateDeliveryClient),
		OAuth:          r.oauth(d.oauthAt, d.OAuth, v1alpha1.CertificateDeliveryCA, v1alpha1.CertificateDeliveryClient),
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

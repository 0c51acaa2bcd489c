package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Certificates tells when the certificates of MerchantGateways expire, as their status says, from a cache and when it is asked. A status holds
// at most 64 of them. Every operator answers, whether it leads or not.
type Certificates struct {
	cache  client.Reader
	expiry *prometheus.Desc
}

var _ prometheus.Collector = (*Certificates)(nil)

func newCertificates(cache client.Reader) *Certificates {
	return &Certificates{cache: cache, expiry: prometheus.NewDesc(
		"d1gateway_controllers_certificate_expiry_timestamp_seconds",
		"When a certificate that a MerchantGateway makes use of expires, in seconds since 1970; of a chain or bundle, the one that expires first.",
		[]string{"namespace", "name", "secret", "use"}, nil)}
}

// Describe sends the one description.
func (c *Certificates) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- c.expiry }

// Collect tells the expiry of each certificate; of none when the gateways cannot be listed, for the cache has not started yet.
func (c *Certificates) Collect(series chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), listTimeout)
	defer cancel()
	var gateways v1alpha1.MerchantGatewayList
	if c.cache.List(ctx, &gateways, client.UnsafeDisableDeepCopy) != nil {
		return
	}
	for i := range gateways.Items {
		c.send(series, &gateways.Items[i])
	}
}

// send leaves out what is said twice: the list in a status is atomic, and a registry that meets one series twice answers nothing at all.
func (c *Certificates) send(series chan<- prometheus.Metric, gateway *v1alpha1.MerchantGateway) {
	type key struct {
		secret string
		use    v1alpha1.CertificateUse
	}
	sent := map[key]bool{}
	for _, certificate := range gateway.Status.Certificates {
		one := key{certificate.SecretName, certificate.Use}
		if sent[one] {
			continue
		}
		sent[one] = true
		series <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, float64(certificate.ExpiryTime.Unix()),
			gateway.Namespace, gateway.Name, certificate.SecretName, string(certificate.Use))
	}
}

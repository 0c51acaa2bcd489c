package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/metrics"
)

// resources stands for a cache.
type resources struct {
	client.Reader
	gateways []v1alpha1.MerchantGateway
	clients  []v1alpha1.OAuthClient
	err      error
}

func (r *resources) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch l := list.(type) {
	case *v1alpha1.MerchantGatewayList:
		l.Items = r.gateways
	case *v1alpha1.OAuthClientList:
		l.Items = r.clients
	default:
		return fmt.Errorf("unexpected list %T", list)
	}
	return r.err
}

func gateway(name string, conditions []metav1.Condition, certificates ...v1alpha1.CertificateStatus) v1alpha1.MerchantGateway {
	return v1alpha1.MerchantGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: name},
		Status:     v1alpha1.MerchantGatewayStatus{Conditions: conditions, Certificates: certificates},
	}
}

func registered(t *testing.T, cache *resources) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := metrics.RegisterResources(registry, cache); err != nil {
		t.Fatal(err)
	}
	return registry
}

// series answers each series of a metric as name{label=value,...} and its value.
func series(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, one := range family.GetMetric() {
			var labels []string
			for _, label := range one.GetLabel() {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			all[family.GetName()+"{"+strings.Join(labels, ",")+"}"] = one.GetGauge().GetValue()
		}
	}
	return all
}

func mustTell(t *testing.T, registry *prometheus.Registry, prefix string, want map[string]float64) {
	t.Helper()
	got := series(t, registry)
	maps.DeleteFunc(got, func(name string, _ float64) bool { return !strings.HasPrefix(name, prefix) })
	if !maps.Equal(got, want) {
		t.Errorf("the metrics tell %v, want %v", got, want)
	}
}

func TestTheExpiryOfEachCertificateIsTold(t *testing.T) {
	t.Parallel()
	expiry := metav1.NewTime(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))
	server := v1alpha1.CertificateStatus{SecretName: "acme-tls", Use: v1alpha1.CertificateServer, Subject: "CN=d1.acme.example", ExpiryTime: expiry}
	client := v1alpha1.CertificateStatus{SecretName: "acme-tls", Use: v1alpha1.CertificateDeliveryClient, ExpiryTime: expiry}
	cache := &resources{gateways: []v1alpha1.MerchantGateway{
		gateway("acme", nil, server, client),
		gateway("none", nil),
		// Somebody has written it twice by hand; the other metrics must not suffer from it.
		gateway("twice", nil, server, server),
	}}
	registry := registered(t, cache)
	const name = "d1gateway_controllers_certificate_expiry_timestamp_seconds"
	seconds := float64(expiry.Unix())
	mustTell(t, registry, name, map[string]float64{
		name + "{name=acme,namespace=payments,secret=acme-tls,use=DeliveryClient}": seconds,
		name + "{name=acme,namespace=payments,secret=acme-tls,use=Server}":         seconds,
		name + "{name=twice,namespace=payments,secret=acme-tls,use=Server}":        seconds,
	})

	// A gateway that is gone takes its series with it.
	cache.gateways = nil
	mustTell(t, registry, name, map[string]float64{})
}

func TestResourcesAreCountedByTheFirstConditionThatIsNotTrue(t *testing.T) {
	t.Parallel()
	condition := func(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason}
	}
	ready := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	expiring := condition(v1alpha1.ConditionCertificatesCurrent, metav1.ConditionFalse, v1alpha1.ReasonCertificateExpiring)
	cache := &resources{
		gateways: []v1alpha1.MerchantGateway{
			gateway("new", nil),
			gateway("ready", []metav1.Condition{ready}),
			gateway("ready-with-a-warning", []metav1.Condition{ready, expiring}),
			gateway("blocked", []metav1.Condition{
				condition(v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound),
				condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound), expiring,
			}),
		},
		clients: []v1alpha1.OAuthClient{{Status: v1alpha1.OAuthClientStatus{Conditions: []metav1.Condition{ready}}}},
	}
	const name = "d1gateway_controllers_resources"
	mustTell(t, registered(t, cache), name, map[string]float64{
		name + "{kind=MerchantGateway,ready=False,reason=SecretNotFound}":  1,
		name + "{kind=MerchantGateway,ready=True,reason=Ready}":            2,
		name + "{kind=MerchantGateway,ready=Unknown,reason=NotReconciled}": 1,
		name + "{kind=OAuthClient,ready=True,reason=Ready}":                1,
	})
}

func TestACacheThatHasNotStartedTellsNothing(t *testing.T) {
	t.Parallel()
	cache := &resources{gateways: []v1alpha1.MerchantGateway{gateway("acme", nil)}, err: errors.New("the cache has not started")}
	mustTell(t, registered(t, cache), "", map[string]float64{})
}

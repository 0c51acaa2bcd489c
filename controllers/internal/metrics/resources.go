package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Resources counts the resources by what their Ready condition says, from a cache and when it is asked. Every operator answers, whether it
// leads or not.
type Resources struct {
	cache client.Reader
	count *prometheus.Desc
}

// listTimeout bounds one look at the cache.
const listTimeout = 5 * time.Second

var _ prometheus.Collector = (*Resources)(nil)

// RegisterResources registers what the metrics tell of the resources in a cache: how many there are, and when their certificates expire.
func RegisterResources(registerer prometheus.Registerer, cache client.Reader) error {
	for _, collector := range []prometheus.Collector{newResources(cache), newCertificates(cache)} {
		if err := registerer.Register(collector); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

func newResources(cache client.Reader) *Resources {
	return &Resources{cache: cache, count: prometheus.NewDesc(
		"d1gateway_controllers_resources",
		"Resources by kind, status of their Ready condition and reason of the first condition that is not True.",
		[]string{"kind", "ready", "reason"}, nil)}
}

// Describe sends the one description.
func (r *Resources) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- r.count }

// Collect counts. A kind that cannot be listed, for the cache has not started yet, has no series.
func (r *Resources) Collect(series chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), listTimeout)
	defer cancel()
	var gateways v1alpha1.MerchantGatewayList
	if r.cache.List(ctx, &gateways, client.UnsafeDisableDeepCopy) == nil {
		counts := map[state]int{}
		for i := range gateways.Items {
			counts[stateOf(gateways.Items[i].Status.Conditions)]++
		}
		r.send(series, "MerchantGateway", counts)
	}
	var clients v1alpha1.OAuthClientList
	if r.cache.List(ctx, &clients, client.UnsafeDisableDeepCopy) == nil {
		counts := map[state]int{}
		for i := range clients.Items {
			counts[stateOf(clients.Items[i].Status.Conditions)]++
		}
		r.send(series, "OAuthClient", counts)
	}
}

func (r *Resources) send(series chan<- prometheus.Metric, kind string, counts map[state]int) {
	for s, count := range counts {
		series <- prometheus.MustNewConstMetric(r.count, prometheus.GaugeValue, float64(count), kind, string(s.ready), s.reason)
	}
}

// state is what Ready says, and why.
type state struct {
	ready  metav1.ConditionStatus
	reason string
}

func stateOf(conditions []metav1.Condition) state {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return state{metav1.ConditionUnknown, "NotReconciled"}
	}
	if ready.Status == metav1.ConditionTrue {
		return state{ready.Status, ready.Reason}
	}
	for _, condition := range conditions {
		if condition.Status != metav1.ConditionTrue {
			return state{ready.Status, condition.Reason}
		}
	}
	return state{ready.Status, ready.Reason}
}

// Package metrics counts what the server does, in Prometheus' terms. Labels come from closed sets and from the configured gateways.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/listener"
	"github.com/d1gateway/d1gateway/webhook-server/lookup"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Metrics is told what happens by every part of the server.
type Metrics struct {
	oauth         oauth
	reporting     reporting
	shed          prometheus.Counter
	notifications *prometheus.CounterVec
	undocumented  *prometheus.CounterVec
	acceptSeconds prometheus.Histogram

	attempts       *prometheus.CounterVec
	attemptSeconds prometheus.Histogram
	deliveredAge   prometheus.Histogram
	deadLetters    *prometheus.CounterVec
	forwards       *prometheus.CounterVec
	circuits       *prometheus.GaugeVec
	pauses         *prometheus.GaugeVec
	proxyFailing   prometheus.Gauge
	lookups        *prometheus.CounterVec
	lookupSeconds  prometheus.Histogram
	leasesLost     prometheus.Counter
	storeFailures  *prometheus.CounterVec

	commitSeconds  prometheus.Histogram
	commitSize     prometheus.Histogram
	commitFailures prometheus.Counter
}

// fast spans 100 µs to 6.5 s, slow 1 s to 3 days.
var (
	fast = prometheus.ExponentialBuckets(0.0001, 2, 17)
	slow = []float64{0.01, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600, 72 * 3600}
)

// New registers everything with registry.
func New(registry *prometheus.Registry) *Metrics {
	m := &Metrics{
		oauth:         newOAuth(),
		reporting:     newReporting(),
		shed:          counter("requests_shed_total", "Requests of D1 answered 503 unlooked at, because too many were under way."),
		notifications: counters("notifications_total", "Notify-update requests by gateway (empty when it is not known) and outcome.", "gateway", "outcome"),
		undocumented:  counters("notifications_undocumented_update_type_total", "Accepted notifications with an updateType that D1's document does not list.", "gateway"),
		acceptSeconds: histogram("notification_accept_seconds", "Time from a notification's request to its 204.", fast),

		attempts:       counters("delivery_attempts_total", "Delivery attempts by gateway and reason; the reason of a success is delivered.", "gateway", "reason"),
		attemptSeconds: histogram("delivery_attempt_seconds", "Time that one attempt took.", fast),
		deliveredAge:   histogram("delivery_delay_seconds", "Age of a notification when it was delivered.", slow),
		deadLetters:    counters("dead_letters_total", "Notifications given up, by gateway and last reason.", "gateway", "reason"),
		forwards:       counters("forwards_total", "Synchronous deliveries by gateway and reason.", "gateway", "reason"),
		circuits: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "d1gateway", Name: "delivery_circuit_open",
			Help: "1 while a destination fails and only its oldest notification is tried."}, []string{"lane"}),
		pauses: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "d1gateway", Name: "delivery_paused",
			Help: "1 while deliveries are paused, of a lane or (scope gateway) of all lanes of a gateway."}, []string{"lane", "scope"}),
		proxyFailing: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "d1gateway", Name: "delivery_proxy_failing",
			Help: "1 while the egress proxy fails; deliveries wait for it and are not counted as attempts."}),
		lookups:       counters("token_lookups_total", "Questions to platforms whether a token exists, by gateway and result.", "gateway", "result"),
		lookupSeconds: histogram("token_lookup_seconds", "Time that one such question took.", fast),
		leasesLost:    counter("delivery_leases_lost_total", "Outcomes that came after their lease had ended; the notification is sent once more."),
		storeFailures: counters("delivery_store_failures_total", "Calls of the dispatcher to the store that failed, by operation.", "operation"),

		commitSeconds:  histogram("store_commit_seconds", "Time of one group commit.", fast),
		commitSize:     histogram("store_commit_size", "Operations that shared one commit.", prometheus.ExponentialBuckets(1, 2, 11)),
		commitFailures: counter("store_commit_failures_total", "Group commits that failed."),
	}
	registry.MustRegister(m.oauth.collectors()...)
	registry.MustRegister(m.reporting.collectors()...)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.shed, m.notifications, m.undocumented, m.acceptSeconds, m.attempts, m.attemptSeconds, m.deliveredAge, m.deadLetters, m.forwards,
		m.circuits, m.pauses, m.proxyFailing, m.lookups, m.lookupSeconds, m.leasesLost, m.storeFailures, m.commitSeconds, m.commitSize, m.commitFailures)
	for _, o := range notification.Outcomes() {
		m.notifications.WithLabelValues("", string(o))
	}
	return m
}

// Serving registers what there is to say of the serving documents.
func Serving(registry *prometheus.Registry, state *serving.State) {
	registry.MustRegister(
		gauge("serving_synced", "1 once the serving documents have been read in full.", func() float64 {
			if state.Synced() {
				return 1
			}
			return 0
		}),
		gauge("serving_documents_stale", "1 while the last good copy of the serving documents is served, because the API server has not answered since the start.", func() float64 {
			if state.Stale() {
				return 1
			}
			return 0
		}),
		gauge("serving_gateways", "Gateways that are served.", func() float64 { return float64(len(state.Snapshot().Gateways())) }),
		gauge("serving_documents_refused", "Serving documents that are kept out; their last good version serves on.", func() float64 { return float64(len(state.Problems())) }),
	)
}

// Connections registers how the connections of a listener fare.
func Connections(registry *prometheus.Registry, l *listener.Listener) {
	registry.MustRegister(
		gauge("connections_open", "Connections of D1 that are open.", func() float64 { return float64(l.Counts().Open) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "d1gateway", Name: "tls_handshakes_failed_total",
			Help: "TLS handshakes of D1 that failed: a client certificate that is missing or not accepted, for instance. The log tells why."},
			func() float64 { return float64(l.Counts().HandshakesFailed) }),
		gauge("connections_sources", "Source addresses that they come from.", func() float64 { return float64(l.Counts().Sources) }),
		counterOf("connections_refused_total", "New connections refused, by why: total when every connection was busy, source when its source had its share.", "total", func() float64 { return float64(l.Counts().RefusedFull) }),
		counterOf("connections_refused_total", "New connections refused, by why: total when every connection was busy, source when its source had its share.", "source", func() float64 { return float64(l.Counts().RefusedSource) }),
		counterOf("connections_evicted_total", "Idle connections closed to make room for another, by bound.", "total", func() float64 { return float64(l.Counts().ClosedFull) }),
		counterOf("connections_evicted_total", "Idle connections closed to make room for another, by bound.", "source", func() float64 { return float64(l.Counts().ClosedSource) }),
	)
}

func counterOf(name, help, bound string, value func() float64) prometheus.CounterFunc {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "d1gateway", Name: name, Help: help, ConstLabels: prometheus.Labels{"bound": bound}}, value)
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "d1gateway", Name: name, Help: help}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "d1gateway", Name: name, Help: help})
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "d1gateway", Name: name, Help: help, Buckets: buckets})
}

func gauge(name, help string, value func() float64) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "d1gateway", Name: name, Help: help}, value)
}

// Shed counts a request that was answered 503 because too many were under way.
func (m *Metrics) Shed() { m.shed.Inc() }

// Notification observes the notification endpoint.
type Notification struct{ *Metrics }

// Answered counts a notify-update call.
func (m Notification) Answered(o notification.Outcome, g *serving.Gateway, took time.Duration) {
	gateway := ""
	if g != nil {
		gateway = g.GatewayID
	}
	m.notifications.WithLabelValues(gateway, string(o)).Inc()
	if o == notification.Accepted || o == notification.Merged {
		m.acceptSeconds.Observe(took.Seconds())
	}
}

// UndocumentedUpdateType counts an accepted notification of a type that the D1 document does not list.
func (m Notification) UndocumentedUpdateType(g *serving.Gateway) {
	m.undocumented.WithLabelValues(g.GatewayID).Inc()
}

// Delivery observes the dispatcher.
type Delivery struct{ *Metrics }

// AttemptEnded counts an attempt and what it led to.
func (m Delivery) AttemptEnded(r delivery.AttemptReport) {
	m.attempts.WithLabelValues(r.GatewayID, string(r.Reason)).Inc()
	m.attemptSeconds.Observe(r.Took.Seconds())
	switch r.State {
	case store.Delivered:
		m.deliveredAge.Observe(r.Age.Seconds())
	case store.Dead:
		m.deadLetters.WithLabelValues(r.GatewayID, string(r.Reason)).Inc()
	}
}

// ForwardEnded counts a synchronous delivery.
func (m Delivery) ForwardEnded(gatewayID, _ string, reason delivery.Reason, took time.Duration) {
	m.forwards.WithLabelValues(gatewayID, string(reason)).Inc()
	m.attemptSeconds.Observe(took.Seconds())
}

// CircuitChanged shows which destinations fail.
func (m Delivery) CircuitChanged(lane string, open bool) {
	if !open {
		m.circuits.DeleteLabelValues(lane)
		return
	}
	m.circuits.WithLabelValues(lane).Set(1)
}

// PauseChanged shows what is paused.
func (m Delivery) PauseChanged(lane string, wholeGateway, paused bool) {
	scope := "lane"
	if wholeGateway {
		scope = "gateway"
	}
	if !paused {
		m.pauses.DeleteLabelValues(lane, scope)
		return
	}
	m.pauses.WithLabelValues(lane, scope).Set(1)
}

// ProxyChanged shows whether the egress proxy fails.
func (m Delivery) ProxyChanged(failing bool) {
	if failing {
		m.proxyFailing.Set(1)
		return
	}
	m.proxyFailing.Set(0)
}

// LeaseLost counts an outcome that came too late.
func (m Delivery) LeaseLost(string) { m.leasesLost.Inc() }

// StoreFailed counts a failed call to the store.
func (m Delivery) StoreFailed(operation string) { m.storeFailures.WithLabelValues(operation).Inc() }

// LookedUp observes the token look-up.
func (m *Metrics) LookedUp(gatewayID string, result lookup.Result, took time.Duration) {
	m.lookups.WithLabelValues(gatewayID, string(result)).Inc()
	m.lookupSeconds.Observe(took.Seconds())
}

// Committed observes the store's group commits.
func (m *Metrics) Committed(c store.Commit) {
	m.commitSeconds.Observe(c.Duration.Seconds())
	m.commitSize.Observe(float64(c.Appends + c.Records))
	if c.Err != nil {
		m.commitFailures.Inc()
	}
}

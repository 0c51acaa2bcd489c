package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/d1gateway/d1gateway/webhook-server/discovery"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
	"github.com/d1gateway/d1gateway/webhook-server/token/introspection"
	"github.com/d1gateway/d1gateway/webhook-server/token/revocation"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform"
)

// oauth counts what OAuth clients ask for.
type oauth struct {
	tokens             *prometheus.CounterVec
	failures           *prometheus.CounterVec
	introspections     *prometheus.CounterVec
	revocations        *prometheus.CounterVec
	discoveries        *prometheus.CounterVec
	revocationsRead    prometheus.Counter
	revocationFailures prometheus.Counter
}

func newOAuth() oauth {
	o := oauth{
		tokens:             counters("token_requests_total", "Token requests by gateway (empty until the client has authenticated) and outcome.", "gateway", "outcome"),
		failures:           counters("client_authentication_failures_total", "Failed authentications of OAuth clients, by gateway (empty when the client is not known) and reason.", "gateway", "reason"),
		introspections:     counters("introspection_requests_total", "Introspection requests by gateway (empty until the client has authenticated) and outcome.", "gateway", "outcome"),
		revocations:        counters("revocation_requests_total", "Revocation requests by gateway (empty until the client has authenticated) and outcome.", "gateway", "outcome"),
		discoveries:        counters("discovery_requests_total", "Requests for metadata and key sets, by document and outcome.", "document", "outcome"),
		revocationsRead:    counter("revocations_read_total", "Revocations read from the store, this replica's own included."),
		revocationFailures: counter("revocation_read_failures_total", "Readings of the revocations of other replicas that failed: meanwhile their revoked tokens work here."),
	}
	for _, outcome := range token.Outcomes() {
		o.tokens.WithLabelValues("", string(outcome))
	}
	for _, reason := range clientauth.Reasons() {
		o.failures.WithLabelValues("", string(reason))
	}
	for _, outcome := range introspection.Outcomes() {
		o.introspections.WithLabelValues("", string(outcome))
	}
	for _, outcome := range revocation.Outcomes() {
		o.revocations.WithLabelValues("", string(outcome))
	}
	for _, document := range discovery.Documents() {
		for _, outcome := range discovery.Outcomes() {
			o.discoveries.WithLabelValues(string(document), string(outcome))
		}
	}
	return o
}

func (o oauth) collectors() []prometheus.Collector {
	return []prometheus.Collector{o.tokens, o.failures, o.introspections, o.revocations, o.discoveries, o.revocationsRead, o.revocationFailures}
}

// gatewayOf is the gateway label for a client; empty when it is not known.
func gatewayOf(client *serving.Client) string {
	if client == nil {
		return ""
	}
	return client.Gateway.GatewayID
}

// Token observes the token endpoint.
type Token struct{ *Metrics }

// Answered counts a token request.
func (m Token) Answered(o token.Outcome, client *serving.Client) {
	m.oauth.tokens.WithLabelValues(gatewayOf(client), string(o)).Inc()
}

// Signed is not counted by itself: what was issued is.
func (m Token) Signed(*serving.Client, string, time.Time) {}

// Clients observes the authentication of clients.
type Clients struct{ *Metrics }

// Authenticated is not counted by itself: what came of the request is.
func (m Clients) Authenticated(*serving.Client, string, time.Time) {}

// AuthenticationFailed counts a client that has not proved who it is.
func (m Clients) AuthenticationFailed(client *serving.Client, reason clientauth.Reason) {
	m.oauth.failures.WithLabelValues(gatewayOf(client), string(reason)).Inc()
}

// Introspection observes the introspection endpoint.
type Introspection struct{ *Metrics }

// Answered counts an introspection request.
func (m Introspection) Answered(o tokenform.Outcome, client *serving.Client) {
	m.oauth.introspections.WithLabelValues(gatewayOf(client), string(o)).Inc()
}

// Revocation observes the revocation endpoint.
type Revocation struct{ *Metrics }

// Answered counts a revocation request.
func (m Revocation) Answered(o tokenform.Outcome, client *serving.Client) {
	m.oauth.revocations.WithLabelValues(gatewayOf(client), string(o)).Inc()
}

// Revocations observes the reading of what all replicas have revoked.
type Revocations struct{ *Metrics }

// Followed counts one reading.
func (m Revocations) Followed(revocations int, err error) {
	m.oauth.revocationsRead.Add(float64(revocations))
	if err != nil {
		m.oauth.revocationFailures.Inc()
	}
}

// Discovery observes the documents that gateways publish.
type Discovery struct{ *Metrics }

// Answered counts a request for one.
func (m Discovery) Answered(d discovery.Document, o discovery.Outcome, _ *serving.Gateway) {
	m.oauth.discoveries.WithLabelValues(string(d), string(o)).Inc()
}

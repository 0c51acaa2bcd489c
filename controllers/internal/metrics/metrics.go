// Package metrics holds the operator's own metrics, beside those of controller-runtime.
package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/d1gateway/d1gateway/api/serving"
)

// Metrics counts what the operator does.
type Metrics struct {
	documents *prometheus.CounterVec
	issued    prometheus.Counter
}

// The label values; a closed set, so that the number of series is bounded.
const (
	operationWrite    = "write"
	operationWithdraw = "withdraw"
	resultSuccess     = "success"
	resultError       = "error"
)

// New registers the metrics. Every series exists from the start, so that a rate over it sees the first increase.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		documents: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "d1gateway_controllers_document_operations_total",
			Help: "Writes and withdrawals of serving documents, by kind of document, operation and result.",
		}, []string{"kind", "operation", "result"}),
		issued: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "d1gateway_controllers_client_secrets_issued_total",
			Help: "Client secrets issued, adopted or rotated.",
		}),
	}
	for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets, serving.KindClient} {
		for _, operation := range []string{operationWrite, operationWithdraw} {
			for _, result := range []string{resultSuccess, resultError} {
				m.documents.WithLabelValues(string(kind), operation, result)
			}
		}
	}
	for _, collector := range []prometheus.Collector{m.documents, m.issued} {
		if err := registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

// DocumentWritten counts one write of a document; err is what came of it.
func (m *Metrics) DocumentWritten(kind serving.Kind, err error) {
	m.documents.WithLabelValues(string(kind), operationWrite, result(err)).Inc()
}

// DocumentWithdrawn counts one deletion of a document; err is what came of it.
func (m *Metrics) DocumentWithdrawn(kind serving.Kind, err error) {
	m.documents.WithLabelValues(string(kind), operationWithdraw, result(err)).Inc()
}

// SecretIssued counts one client secret that was issued, adopted or rotated.
func (m *Metrics) SecretIssued() { m.issued.Inc() }

func result(err error) string {
	if err != nil {
		return resultError
	}
	return resultSuccess
}

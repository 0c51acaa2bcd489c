package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/d1gateway/d1gateway/webhook-server/replica"
)

// reporting counts what becomes of the replica's reports and of its Lease.
type reporting struct {
	writes  *prometheus.CounterVec
	renewed prometheus.Gauge
}

func newReporting() reporting {
	r := reporting{
		writes: counters("replica_report_writes_total", "Writes and deletions of this replica's reports, by result: ok or error.", "result"),
		renewed: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "d1gateway", Name: "replica_lease_renewed_timestamp_seconds",
			Help: "When this replica has last renewed its Lease, in Unix time; 0 before the first time. Without it the operator does not count on the replica."}),
	}
	for _, result := range []string{"ok", "error"} {
		r.writes.WithLabelValues(result)
	}
	return r
}

func (r reporting) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.writes, r.renewed}
}

// Reporting registers how long a report has waited to be written.
func Reporting(registry *prometheus.Registry, r *replica.Reporter, now func() time.Time) {
	registry.MustRegister(gauge("replica_report_behind_seconds", "How long this replica has had something to report that could not be written; 0 when nothing waits.", func() float64 {
		since := r.Behind()
		if since.IsZero() {
			return 0
		}
		return max(0, now().Sub(since).Seconds())
	}))
}

// Replica observes the reports and the Lease of this replica.
type Replica struct{ *Metrics }

// Wrote counts a write or deletion.
func (m Replica) Wrote(err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.reporting.writes.WithLabelValues(result).Inc()
}

// Renewed notes a renewal of the Lease.
func (m Replica) Renewed(at time.Time) { m.reporting.renewed.Set(float64(at.Unix())) }

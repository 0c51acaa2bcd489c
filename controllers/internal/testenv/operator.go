package testenv

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/controllers/operator"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// ExternalURL is the --external-url of the operators of tests.
const ExternalURL = "https://d1.test.example"

// Setting is what one test works in: namespaces of its own, an operator that looks at nothing else, and a clock that the test can move.
type Setting struct {
	*Cluster
	// System is the system namespace, Tenant the one of the resources.
	System, Tenant string
	Clock          *Clock
	// ReplicaClock is the one by which the operator sees that replicas are live.
	ReplicaClock *Clock
	// Log is all that the operators of this test have logged.
	Log *Log
	// Generate makes keys and secrets. It is the real one unless the test sets another before it starts an operator.
	Generate translate.Generator
	// Replica reports what the operators of this test have written as served. Nil before the first operator starts, and for good where
	// WithoutReplica is set.
	Replica        *Replica
	WithoutReplica bool
}

// NewSetting creates the namespaces of a test.
func (c *Cluster) NewSetting(t *testing.T) *Setting {
	t.Helper()
	return &Setting{
		Cluster: c, System: c.Namespace(t, "system"), Tenant: c.Namespace(t, "tenant"),
		Clock: &Clock{}, ReplicaClock: &Clock{}, Log: &Log{}, Generate: translate.NewGenerator(),
	}
}

// Operator is one that runs.
type Operator struct {
	stop func()
}

// Stop ends the operator and waits for its end.
func (o *Operator) Stop() { o.stop() }

// StartOperator runs an operator until the test ends or stops it. between, which may be empty, sees and may refuse what the
// reconcilers read and write. A server replica runs beside it.
func (s *Setting) StartOperator(t *testing.T, between interceptor.Funcs) *Operator {
	t.Helper()
	if s.Replica == nil && !s.WithoutReplica {
		s.Replica = s.StartReplica(t, "webhook-server-0")
	}
	ctx, cancel := context.WithCancel(context.Background())
	m, err := operator.New(ctx, s.Config, operator.Options{
		SystemNamespace:        s.System,
		ExternalURL:            ExternalURL,
		WatchNamespaces:        []string{s.Tenant},
		MetricsBindAddress:     "0",
		HealthProbeBindAddress: "0",
		Logger:                 slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Registerer:             prometheus.NewRegistry(),
		Now:                    s.Clock.Now,
		ReplicaNow:             s.ReplicaClock.Now,
		Generate:               s.Generate,
		AllowSeveral:           true,
		NewClient: func(config *rest.Config, options client.Options) (client.Client, error) {
			c, err := client.NewWithWatch(config, options)
			if err != nil {
				return nil, err
			}
			return interceptor.NewClient(c, between), nil
		},
	})
	if err != nil {
		cancel()
		t.Fatalf("making an operator: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	o := &Operator{stop: sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the operator ended with: %v", err)
		}
	})}
	t.Cleanup(o.stop)
	return o
}

// Clock is the real one, moved forward at will.
type Clock struct {
	mu    sync.Mutex
	moved time.Duration
}

// Now answers the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.moved)
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}

// Log collects lines.
type Log struct {
	mu   sync.Mutex
	text []byte
}

var _ io.Writer = (*Log)(nil)

// Write appends to the log.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

// String answers the whole log.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// Package operator puts the reconcilers, their caches and their indexes together into a manager.
package operator

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/index"
	"github.com/d1gateway/d1gateway/controllers/internal/metrics"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
	"github.com/d1gateway/d1gateway/controllers/internal/ownwrites"
	"github.com/d1gateway/d1gateway/controllers/internal/replicas"
	"github.com/d1gateway/d1gateway/controllers/merchantgateway"
	"github.com/d1gateway/d1gateway/controllers/oauthclient"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// Options are what an operator is made of. All fields but those marked optional must be set.
type Options struct {
	// SystemNamespace is where the serving documents and the leader election lease are. It must exist.
	SystemNamespace string
	// ExternalURL is the base of the URLs of a gateway that names no host, without a slash at its end.
	ExternalURL string
	// WatchNamespaces restricts the operator to the resources in these namespaces. Optional: none means all.
	WatchNamespaces []string
	// MetricsBindAddress and HealthProbeBindAddress are host:port; "0" turns the listener off.
	MetricsBindAddress, HealthProbeBindAddress string
	// LeaderElection makes several operators take turns.
	LeaderElection bool

	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
	Generate   translate.Generator
	// NewClient makes the client that the reconcilers use. Optional.
	NewClient client.NewClientFunc
	// ReplicaNow is the clock by which the Leases of server replicas are seen. Optional: the real one, which is right also where Now is moved, because
	// Leases are renewed by other processes.
	ReplicaNow func() time.Time
	// AllowSeveral lets one process hold several operators, whose controllers then share their names in metrics. Optional.
	AllowSeveral bool
}

const (
	// concurrentClients and concurrentGateways bound the reconciles that are under way at once, and by that the requests.
	concurrentClients, concurrentGateways = 16, 2
	// unlimited turns off client-go's own limit on requests. It would decide how fast ten thousand clients become Ready; what protects the
	// API server is its Priority and Fairness, and that few reconciles are under way at once.
	unlimited        = -1
	shutdownTimeout  = 10 * time.Second
	reconcileTimeout = time.Minute
	leaderElectionID = "controllers.d1gateway.io"
)

// New answers a manager that runs the operator when it is started. ctx bounds the setting up only.
func New(ctx context.Context, config *rest.Config, options Options) (manager.Manager, error) {
	config = rest.CopyConfig(config)
	if config.QPS == 0 {
		config.QPS = unlimited
	}
	managed, err := managerOptions(options)
	if err != nil {
		return nil, err
	}
	m, err := manager.New(config, managed)
	if err != nil {
		return nil, fmt.Errorf("creating the manager: %w", err)
	}
	watched, err := documents.NewCache(m.GetConfig(), options.SystemNamespace, cache.Options{
		HTTPClient: m.GetHTTPClient(), Scheme: m.GetScheme(), Mapper: m.GetRESTMapper(), NewInformer: informers(options),
	})
	if err != nil {
		return nil, err
	}
	if err := m.Add(besides{watched}); err != nil {
		return nil, fmt.Errorf("adding the cache of serving documents: %w", err)
	}
	if err := index.Register(ctx, m.GetFieldIndexer()); err != nil {
		return nil, err
	}
	tracker, err := addReplicas(ctx, m, options)
	if err != nil {
		return nil, err
	}
	if err := addReconcilers(m, watched, tracker, options); err != nil {
		return nil, err
	}
	if err := m.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("adding the health check: %w", err)
	}
	if err := m.AddReadyzCheck("caches", synced(m.GetCache(), watched)); err != nil {
		return nil, fmt.Errorf("adding the readiness check: %w", err)
	}
	return m, nil
}

// addReplicas has the reports of the server replicas followed, and cleared away when their replica is long gone.
func addReplicas(ctx context.Context, m manager.Manager, options Options) (*replicas.Tracker, error) {
	now := options.ReplicaNow
	if now == nil {
		now = time.Now
	}
	tracker := replicas.NewTracker(replicas.Options{
		Now: now, Leases: replicas.ListLeases(m.GetAPIReader(), options.SystemNamespace), Namespaces: options.WatchNamespaces, Logger: m.GetLogger(),
	})
	if err := tracker.Watch(ctx, m.GetCache()); err != nil {
		return nil, err
	}
	sweeper := &replicas.Sweeper{Tracker: tracker, Client: m.GetClient(), Namespace: options.SystemNamespace}
	for _, runnable := range []manager.Runnable{tracker, sweeper} {
		if err := m.Add(runnable); err != nil {
			return nil, fmt.Errorf("adding the tracker of server replicas: %w", err)
		}
	}
	return tracker, nil
}

func addReconcilers(m manager.Manager, watched cache.Cache, tracker *replicas.Tracker, options Options) error {
	counted, err := metrics.New(options.Registerer)
	if err != nil {
		return err
	}
	if err := metrics.RegisterResources(options.Registerer, m.GetCache()); err != nil {
		return err
	}
	c := ownwrites.New(m.GetClient(), time.Now)
	recorder := outcome.MaskedRecorder(m.GetEventRecorder("d1gateway"))
	store := documents.NewStore(c, options.SystemNamespace, counted, recorder)
	gateways := &merchantgateway.Reconciler{
		Client: c, Live: m.GetAPIReader(), Documents: store, Watched: watched, Replicas: tracker, Recorder: recorder,
		Generate: options.Generate, Now: options.Now, ExternalURL: options.ExternalURL, Namespaces: options.WatchNamespaces,
	}
	if err := gateways.SetupWithManager(m, controllerOptions(concurrentGateways)); err != nil {
		return err
	}
	clients := &oauthclient.Reconciler{
		Client: c, Cached: m.GetCache(), Live: m.GetAPIReader(), Documents: store, Watched: watched, Replicas: tracker, Recorder: recorder, Metrics: counted,
		Generate: options.Generate, Now: options.Now, ExternalURL: options.ExternalURL, Namespaces: options.WatchNamespaces,
	}
	return clients.SetupWithManager(m, controllerOptions(concurrentClients))
}

func controllerOptions(concurrent int) controller.Options {
	return controller.Options{MaxConcurrentReconciles: concurrent, RateLimiter: backoff(), ReconciliationTimeout: reconcileTimeout}
}

// logger masks card numbers: names and client ids may look like one.
func logger(l *slog.Logger) logr.Logger {
	return logr.FromSlogHandler(serving.MaskingHandler(l.Handler()))
}

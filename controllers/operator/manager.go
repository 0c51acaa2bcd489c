package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/patient"
)

// NewScheme answers a scheme with the kinds of Kubernetes and of this project.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme: %w", err)
		}
	}
	return scheme, nil
}

func managerOptions(options Options) (manager.Options, error) {
	scheme, err := NewScheme()
	if err != nil {
		return manager.Options{}, err
	}
	cached, err := cacheOptions(options)
	if err != nil {
		return manager.Options{}, err
	}
	return manager.Options{
		Scheme: scheme,
		Logger: logger(options.Logger),
		Cache:  cached,
		// Secrets and ConfigMaps are read one by one from the API server: a credential decided upon an old copy would be issued twice,
		// and a cache would hold every Secret of the cluster in memory.
		Client:                        client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}}}},
		NewClient:                     options.NewClient,
		Metrics:                       metricsserver.Options{BindAddress: options.MetricsBindAddress},
		HealthProbeBindAddress:        options.HealthProbeBindAddress,
		LeaderElection:                options.LeaderElection,
		LeaderElectionID:              leaderElectionID,
		LeaderElectionNamespace:       options.SystemNamespace,
		LeaderElectionReleaseOnCancel: true, // The process ends when the manager does, and its successor need not wait for the lease to expire.
		GracefulShutdownTimeout:       ptr.To(shutdownTimeout),
		Controller:                    config.Controller{SkipNameValidation: ptr.To(options.AllowSeveral), Logger: logger(options.Logger)},
	}, nil
}

// cacheOptions leaves the Secrets that hold serving documents out of the watch on Secrets; they have a cache of their own. Of the Leases it
// holds those of server replicas.
func cacheOptions(options Options) (cache.Options, error) {
	others, err := documents.Others()
	if err != nil {
		return cache.Options{}, err
	}
	system := map[string]cache.Config{options.SystemNamespace: {LabelSelector: labels.SelectorFromSet(labels.Set{v1alpha1.LabelReplica: v1alpha1.ReplicaValue})}}
	cached := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		NewInformer:      informers(options),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}:          {Label: others, Transform: documents.NameOnly},
			&coordinationv1.Lease{}:   {Namespaces: system},
			&v1alpha1.ReplicaReport{}: {Namespaces: system},
		},
	}
	for _, namespace := range options.WatchNamespaces {
		if cached.DefaultNamespaces == nil {
			cached.DefaultNamespaces = map[string]cache.Config{}
		}
		cached.DefaultNamespaces[namespace] = cache.Config{}
	}
	return cached, nil
}

// informers answers what makes the informers of the caches: such as see the cluster again as soon as the API server is back.
func informers(options Options) patient.NewInformer {
	return patient.Informers(slog.New(serving.MaskingHandler(options.Logger.Handler())))
}

// backoff waits a tenth of a second after the first failure and a quarter of a minute at most: what was refused because of something in the
// cluster that has been mended, or because the API server was away, is tried again soon.
func backoff() workqueue.TypedRateLimiter[reconcile.Request] {
	const first, longest = 100 * time.Millisecond, 15 * time.Second
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](first, longest)
}

// besides makes the manager start a cache together with its own, whether or not this operator leads. Else an operator that waits for its
// turn would never be ready.
type besides struct{ cache.Cache }

// GetCache answers the cache; by this method the manager knows a cache.
func (b besides) GetCache() cache.Cache { return b.Cache }

// synced says whether the caches have seen the cluster.
func synced(caches ...cache.Cache) healthz.Checker {
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		for _, c := range caches {
			if !c.WaitForCacheSync(ctx) {
				return errors.New("the caches have not seen the cluster yet")
			}
		}
		return nil
	}
}

// Package oauthclient reconciles OAuthClients: it reads what decides about one, translates it, writes what follows.
package oauthclient

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/metrics"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
	"github.com/d1gateway/d1gateway/controllers/internal/replicas"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// The rights beyond those that merchantgateway names.
// +kubebuilder:rbac:groups=d1gateway.io,resources=oauthclients,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=d1gateway.io,resources=oauthclients/status,verbs=patch
// +kubebuilder:rbac:groups=d1gateway.io,resources=oauthclients/finalizers,verbs=update

// Reconciler makes the serving documents and credentials of OAuthClients what their resources say.
type Reconciler struct {
	// Client reads resources from the cache, and Secrets and ConfigMaps from the API server.
	Client client.Client
	// Cached reads everything from the cache, of Secrets their metadata.
	Cached client.Reader
	// Live reads everything from the API server.
	Live      client.Reader
	Documents *documents.Store
	// Watched holds the metadata of the serving documents.
	Watched cache.Cache
	// Replicas knows what the server replicas serve.
	Replicas *replicas.Tracker
	Recorder events.EventRecorder
	Metrics  *metrics.Metrics
	Generate translate.Generator
	// Remembered begins empty.
	Remembered Remembered
	Now        func() time.Time
	// ExternalURL is the base of the URLs of a gateway that names no host.
	ExternalURL string
	// Namespaces are those whose resources are looked at; none means all.
	Namespaces []string
}

// SetupWithManager registers the controller and all that it watches.
func (r *Reconciler) SetupWithManager(m ctrl.Manager, options controller.Options) error {
	b := ctrl.NewControllerManagedBy(m).Named("oauthclient").WithOptions(options)
	if err := r.watch(b).Complete(r); err != nil {
		return fmt.Errorf("setting up the controller of OAuthClients: %w", err)
	}
	return nil
}

// Reconcile brings one OAuthClient's credentials, document and status up to date. When nothing has changed it writes nothing.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	result, err := r.reconcile(ctx, request)
	if outcome.Superseded(err) {
		return ctrl.Result{RequeueAfter: outcome.LookAgain}, nil
	}
	if outcome.Moot(err, request.Namespace) {
		return ctrl.Result{}, nil
	}
	return result, err
}

func (r *Reconciler) reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	resource := &v1alpha1.OAuthClient{}
	err := r.Client.Get(ctx, request.NamespacedName, resource)
	if apierrors.IsNotFound(err) {
		return ctrl.Result{}, r.forget(ctx, request.NamespacedName)
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading OAuthClient: %w", err)
	}
	if !resource.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.finalize(ctx, resource)
	}
	found, err := r.gather(ctx, resource)
	if err != nil {
		return ctrl.Result{}, err
	}
	out := translate.Client(found.input)
	needs, writeErr := r.program(ctx, resource, found, out)
	if outcome.Superseded(writeErr) || outcome.Moot(writeErr, request.Namespace) {
		return ctrl.Result{}, writeErr
	}
	again := outcome.RequeueAfter(out.NextChange, r.Now())
	if writeErr == nil {
		judged := r.Replicas.Judge(serving.KindClient, request.NamespacedName, needs, resource.Status.Conditions, out.Status.Conditions)
		again = outcome.Sooner(again, judged.Again)
		if judged.Hold {
			return ctrl.Result{RequeueAfter: again}, nil
		}
		out.Status.Conditions = judged.Conditions
	}
	if err := r.updateStatus(ctx, resource, out.Status, writeErr); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: again}, writeErr
}

// Package merchantgateway reconciles MerchantGateways: it reads what decides about one, translates it, writes what follows.
package merchantgateway

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
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
	"github.com/d1gateway/d1gateway/controllers/internal/replicas"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// The rights that the operator needs; config/rbac/role.yaml is made of them. Reading Secrets cannot be narrowed to those with a label, and the
// watch on their metadata needs the same right as one on their content.
// +kubebuilder:rbac:groups=d1gateway.io,resources=merchantgateways,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=d1gateway.io,resources=merchantgateways/status,verbs=patch
// +kubebuilder:rbac:groups=d1gateway.io,resources=merchantgateways/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups="",namespace=d1gateway-system,resources=configmaps;secrets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=d1gateway-system,resources=leases,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups=d1gateway.io,namespace=d1gateway-system,resources=replicareports,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups="",namespace=d1gateway-system,resources=events,verbs=create;patch

// Reconciler makes the serving documents of MerchantGateways what their resources say.
type Reconciler struct {
	// Client reads resources from the cache, and Secrets and ConfigMaps from the API server.
	Client client.Client
	// Live reads everything from the API server.
	Live      client.Reader
	Documents *documents.Store
	// Watched holds the metadata of the serving documents.
	Watched cache.Cache
	// Replicas knows what the server replicas serve.
	Replicas *replicas.Tracker
	Recorder events.EventRecorder
	Generate translate.Generator
	Now      func() time.Time
	// ExternalURL is the base of the URLs of a gateway that names no host.
	ExternalURL string
	// Namespaces are those whose resources are looked at; none means all.
	Namespaces []string
}

// SetupWithManager registers the controller and all that it watches.
func (r *Reconciler) SetupWithManager(m ctrl.Manager, options controller.Options) error {
	b := ctrl.NewControllerManagedBy(m).Named("merchantgateway").WithOptions(options)
	if err := r.watch(b).Complete(r); err != nil {
		return fmt.Errorf("setting up the controller of MerchantGateways: %w", err)
	}
	return nil
}

// Reconcile brings one MerchantGateway's documents and status up to date. When nothing has changed it writes nothing.
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
	gateway := &v1alpha1.MerchantGateway{}
	err := r.Client.Get(ctx, request.NamespacedName, gateway)
	if apierrors.IsNotFound(err) {
		return ctrl.Result{}, r.forget(ctx, request.NamespacedName)
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading MerchantGateway: %w", err)
	}
	if !gateway.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, gateway)
	}
	found, err := r.gather(ctx, gateway)
	if err != nil {
		return ctrl.Result{}, err
	}
	out := translate.Gateway(found.input)
	needs, writeErr := r.program(ctx, gateway, found, out)
	if outcome.Superseded(writeErr) || outcome.Moot(writeErr, request.Namespace) {
		return ctrl.Result{}, writeErr
	}
	again := outcome.RequeueAfter(out.NextChange, r.Now())
	if writeErr == nil {
		judged := r.Replicas.Judge(serving.KindGateway, request.NamespacedName, needs, gateway.Status.Conditions, out.Status.Conditions)
		again = outcome.Sooner(again, judged.Again)
		if judged.Hold {
			return ctrl.Result{RequeueAfter: again}, nil
		}
		out.Status.Conditions = judged.Conditions
		if !judged.Served {
			unclaim(&out.Status, gateway.Status)
		}
	}
	if err := r.updateStatus(ctx, gateway, out.Status, writeErr); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: again}, writeErr
}

package merchantgateway

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/index"
)

// watch registers everything that a reconcile reads. Secrets are watched by their metadata and read one by one when they are needed: a
// Secret without the label must be recognised too, and so the watch cannot be narrowed by it, but the operator need not hold all the
// Secrets of a cluster in memory.
func (r *Reconciler) watch(b *builder.Builder) *builder.Builder {
	b = b.For(&v1alpha1.MerchantGateway{}, builder.WithPredicates(index.Changed())).
		Watches(&v1alpha1.MerchantGateway{}, handler.EnqueueRequestsFromMapFunc(r.sameID), builder.WithPredicates(index.ComesOrGoes())).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.readersOf), builder.WithPredicates(predicate.ResourceVersionChangedPredicate{}))
	// A document that is edited or deleted is repaired.
	for _, kind := range []serving.Kind{serving.KindGateway, serving.KindGatewaySecrets} {
		b = b.WatchesRawSource(source.Kind(r.Watched, documents.Metadata(kind), handler.TypedEnqueueRequestsFromMapFunc(documents.Owners(kind, r.Namespaces))))
	}
	return b.WatchesRawSource(r.Replicas.Source(serving.KindGateway, func() []reconcile.Request { return r.find(context.Background()) }))
}

// sameID answers the other gateways that claim the gatewayID of one that has come or gone.
func (r *Reconciler) sameID(ctx context.Context, object client.Object) []reconcile.Request {
	gateway, ok := object.(*v1alpha1.MerchantGateway)
	if !ok {
		return nil
	}
	return r.find(ctx, client.MatchingFields{index.GatewaysByID: gateway.Spec.GatewayID})
}

// readersOf answers the gateways that read a Secret.
func (r *Reconciler) readersOf(ctx context.Context, secret client.Object) []reconcile.Request {
	return r.find(ctx, client.InNamespace(secret.GetNamespace()), client.MatchingFields{index.GatewaysBySecret: secret.GetName()})
}

func (r *Reconciler) find(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	var gateways v1alpha1.MerchantGatewayList
	if err := r.Client.List(ctx, &gateways, options...); err != nil {
		log.FromContext(ctx).Error(err, "Cannot look up the MerchantGateways that a change concerns")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(gateways.Items))
	for i := range gateways.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&gateways.Items[i])})
	}
	return requests
}

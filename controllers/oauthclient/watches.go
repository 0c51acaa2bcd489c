package oauthclient

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/index"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// watch registers everything that a reconcile reads. Secrets are watched by their metadata and read one by one when they are needed: a
// Secret without the label must be recognised too, and so the watch cannot be narrowed by it, but the operator need not hold all the
// Secrets of a cluster in memory.
func (r *Reconciler) watch(b *builder.Builder) *builder.Builder {
	return b.For(&v1alpha1.OAuthClient{}, builder.WithPredicates(index.Changed())).
		Watches(&v1alpha1.OAuthClient{}, handler.EnqueueRequestsFromMapFunc(r.sameID), builder.WithPredicates(claimChanged())).
		Watches(&v1alpha1.MerchantGateway{}, handler.EnqueueRequestsFromMapFunc(r.clientsOf), builder.WithPredicates(gatewayChanged())).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.readersOf), builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})).
		// A document that is edited or deleted is repaired.
		WatchesRawSource(source.Kind(r.Watched, documents.Metadata(serving.KindClient), handler.TypedEnqueueRequestsFromMapFunc(documents.Owners(serving.KindClient, r.Namespaces)))).
		// Clients are served when both documents of their gateway are there.
		WatchesRawSource(source.Kind(r.Watched, documents.Metadata(serving.KindGateway), handler.TypedEnqueueRequestsFromMapFunc(r.clientsOfDocument(serving.KindGateway)), documents.ComesOrGoes())).
		WatchesRawSource(source.Kind(r.Watched, documents.Metadata(serving.KindGatewaySecrets), handler.TypedEnqueueRequestsFromMapFunc(r.clientsOfDocument(serving.KindGatewaySecrets)), documents.ComesOrGoes())).
		WatchesRawSource(r.Replicas.Source(serving.KindClient, func() []reconcile.Request { return requests(r.find(context.Background())) }))
}

// claimChanged passes what may give a client id to another client, or take it away.
func claimChanged() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok1 := e.ObjectOld.(*v1alpha1.OAuthClient)
			after, ok2 := e.ObjectNew.(*v1alpha1.OAuthClient)
			return ok1 && ok2 && (before.UID != after.UID ||
				!slices.Equal(translate.ClaimedClientIDs(before), translate.ClaimedClientIDs(after)) ||
				translate.ServedClientID(before) != translate.ServedClientID(after) ||
				before.Spec.GatewayRef != after.Spec.GatewayRef)
		},
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// gatewayChanged passes what clients depend on: the spec of a gateway, that it exists, whether it is accepted and programmed, and its token URLs.
func gatewayChanged() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok1 := e.ObjectOld.(*v1alpha1.MerchantGateway)
			after, ok2 := e.ObjectNew.(*v1alpha1.MerchantGateway)
			return ok1 && ok2 && (before.UID != after.UID ||
				before.Generation != after.Generation ||
				before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() ||
				statusOf(before, v1alpha1.ConditionAccepted) != statusOf(after, v1alpha1.ConditionAccepted) ||
				statusOf(before, v1alpha1.ConditionProgrammed) != statusOf(after, v1alpha1.ConditionProgrammed) ||
				!slices.Equal(before.Status.TokenURLs, after.Status.TokenURLs))
		},
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// statusOf answers the status of a condition of the gateway, "" while it has none.
func statusOf(gateway *v1alpha1.MerchantGateway, kind string) metav1.ConditionStatus {
	if condition := meta.FindStatusCondition(gateway.Status.Conditions, kind); condition != nil {
		return condition.Status
	}
	return ""
}

// sameID answers the clients that claim a client id of another.
func (r *Reconciler) sameID(ctx context.Context, object client.Object) []reconcile.Request {
	resource, ok := object.(*v1alpha1.OAuthClient)
	if !ok {
		return nil
	}
	return r.claimants(ctx, resource).UnsortedList()
}

func (r *Reconciler) claimants(ctx context.Context, resource *v1alpha1.OAuthClient) sets.Set[reconcile.Request] {
	all := sets.New[reconcile.Request]()
	for _, id := range translate.ClaimedClientIDs(resource) {
		all.Insert(requests(r.find(ctx, client.MatchingFields{index.ClientsByID: id}))...)
	}
	return all
}

// clientsOf answers the clients of a gateway and those that claim the same client ids: a host or path that it takes up or gives up
// decides about them too.
func (r *Reconciler) clientsOf(ctx context.Context, gateway client.Object) []reconcile.Request {
	own := r.find(ctx, client.InNamespace(gateway.GetNamespace()), client.MatchingFields{index.ClientsByGateway: gateway.GetName()})
	concerned := sets.New(requests(own)...)
	for i := range own {
		concerned = concerned.Union(r.claimants(ctx, &own[i]))
	}
	return concerned.UnsortedList()
}

// readersOf answers the clients whose credentials are in a Secret.
func (r *Reconciler) readersOf(ctx context.Context, secret client.Object) []reconcile.Request {
	return requests(r.find(ctx, client.InNamespace(secret.GetNamespace()), client.MatchingFields{index.ClientsBySecret: secret.GetName()}))
}

func (r *Reconciler) find(ctx context.Context, options ...client.ListOption) []v1alpha1.OAuthClient {
	var clients v1alpha1.OAuthClientList
	if err := r.Client.List(ctx, &clients, options...); err != nil {
		log.FromContext(ctx).Error(err, "Cannot look up the OAuthClients that a change concerns")
		return nil
	}
	return clients.Items
}

func requests(clients []v1alpha1.OAuthClient) []reconcile.Request {
	all := make([]reconcile.Request, len(clients))
	for i := range clients {
		all[i].NamespacedName = client.ObjectKeyFromObject(&clients[i])
	}
	return all
}

// clientsOfDocument answers a function that maps a serving document of that kind to the clients of the gateway that it belongs to.
func (r *Reconciler) clientsOfDocument(kind serving.Kind) handler.TypedMapFunc[*metav1.PartialObjectMetadata, reconcile.Request] {
	owners := documents.Owners(kind, r.Namespaces)
	return func(ctx context.Context, object *metav1.PartialObjectMetadata) []reconcile.Request {
		var all []reconcile.Request
		for _, gateway := range owners(ctx, object) {
			all = append(all, requests(r.find(ctx, client.InNamespace(gateway.Namespace), client.MatchingFields{index.ClientsByGateway: gateway.Name}))...)
		}
		return all
	}
}

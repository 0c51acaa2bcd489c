package merchantgateway

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// drainLook is how often a gateway that waits for its deliveries is looked at, beside each time a replica reports another number: that no replica
// is live any more, and that the namespace goes, is seen by it.
const drainLook = 5 * time.Second

// drained says whether a gateway that is being deleted can go, and what its status says while it cannot.
type drained struct {
	done   bool
	status v1alpha1.MerchantGatewayStatus
}

// drain has the servers end a gateway, and says whether they have delivered what they took.
func (r *Reconciler) drain(ctx context.Context, gateway *v1alpha1.MerchantGateway) (drained, error) {
	waits, err := r.waitsForDelivery(ctx, gateway)
	if err != nil || !waits {
		return drained{done: true}, err
	}
	stored, err := r.stored(ctx, serving.KindGateway, gateway)
	if err != nil {
		return drained{}, err
	}
	document, ok := stored.Document.(*serving.Gateway)
	if !ok {
		return drained{done: true}, nil // it was never served
	}
	version, err := r.write(ctx, gateway, translate.Draining(document), stored)
	if err != nil {
		return drained{}, err
	}
	key := client.ObjectKeyFromObject(gateway)
	undelivered, known := r.Replicas.Undelivered(key, gateway.UID)
	known = known && r.Replicas.Served(r.need(serving.KindGateway, gateway, version))
	if known && undelivered == 0 {
		return drained{done: true}, nil
	}
	return drained{status: translate.DrainingStatus(gateway, undelivered, known)}, nil
}

// waitsForDelivery says whether a deletion waits at all. It does not where the user says so, where nobody is there to deliver and nobody who was there
// has left anything, and where the namespace goes: its deletion must not wait for somebody's backend.
func (r *Reconciler) waitsForDelivery(ctx context.Context, gateway *v1alpha1.MerchantGateway) (bool, error) {
	if gateway.Spec.DeletionPolicy == v1alpha1.DeletionDiscard || !controllerutil.ContainsFinalizer(gateway, v1alpha1.Finalizer) {
		return false, nil
	}
	left, _ := r.Replicas.Undelivered(client.ObjectKeyFromObject(gateway), gateway.UID)
	if standing := r.Replicas.Standing(nil); standing.Live == 0 && !standing.Gap && left == 0 {
		return false, nil
	}
	if there, err := r.reportsDefined(ctx, gateway); err != nil || !there {
		return false, err
	}
	namespace := &corev1.Namespace{}
	err := r.Live.Get(ctx, types.NamespacedName{Name: gateway.Namespace}, namespace)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading namespace %s: %w", gateway.Namespace, err)
	}
	return err == nil && namespace.DeletionTimestamp.IsZero(), nil
}

// reportsDefined says whether there can be ReplicaReports. Their definition goes with that of MerchantGateways when all of them are removed.
func (r *Reconciler) reportsDefined(ctx context.Context, gateway *v1alpha1.MerchantGateway) (bool, error) {
	system := r.Documents.Key(serving.KindGateway, gateway).Namespace
	err := r.Live.List(ctx, &v1alpha1.ReplicaReportList{}, client.InNamespace(system), client.Limit(1))
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for replica reports: %w", err)
	}
	return true, nil
}

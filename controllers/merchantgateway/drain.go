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
	"github.com/d1gateway/d1gateway/controllers/internal/replicas"
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
	needs, err := r.programDraining(ctx, gateway)
	if err != nil || needs == nil {
		return drained{done: true}, err
	}
	key := client.ObjectKeyFromObject(gateway)
	undelivered, known := r.Replicas.Undelivered(key, gateway.UID)
	known = known && r.Replicas.Served(needs...)
	if known && undelivered == 0 {
		return drained{done: true}, nil
	}
	return drained{status: translate.DrainingStatus(gateway, undelivered, known)}, nil
}

// programDraining writes what the servers need to deliver what they took, and answers what they must serve; nothing when they never served the
// gateway. A changed spec is put in force, so that a destination can still be mended; one that cannot be served leaves the last good one.
func (r *Reconciler) programDraining(ctx context.Context, gateway *v1alpha1.MerchantGateway) ([]replicas.Need, error) {
	found, err := r.gather(ctx, gateway)
	if err != nil || found.input.Previous == nil {
		return nil, err
	}
	out := translate.Gateway(found.input)
	if out.Action != translate.Write {
		out = translate.GatewayOutput{Action: translate.Write, Document: found.input.Previous, Secrets: found.input.PreviousSecrets}
	}
	if out.Secrets == nil {
		return nil, nil // nothing can be delivered without them, nor made again
	}
	out.Document = translate.Draining(out.Document)
	return r.program(ctx, gateway, found, out)
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

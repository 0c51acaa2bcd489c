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
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
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
	found, err := r.gather(ctx, gateway)
	if err != nil || !isServed(found.document) {
		return drained{done: true}, err
	}
	out, ok := drainingOutput(found)
	if !ok {
		// Nothing can be delivered without the secrets. In the place of what is damaged servers serve the last good one on, and may take more.
		return drained{done: !isServed(found.secrets), status: undrainable(gateway)}, nil
	}
	needs, err := r.program(ctx, gateway, found, out)
	if err != nil {
		return drained{}, err
	}
	undelivered, known := r.Replicas.Undelivered(client.ObjectKeyFromObject(gateway), gateway.UID)
	known = known && r.Replicas.Served(needs...)
	if known && undelivered == 0 {
		return drained{done: true}, nil
	}
	return drained{status: translate.DrainingStatus(gateway, undelivered, known)}, nil
}

// isServed says whether servers have, or had, a document of the gateway: they serve the last good one on in the place of a damaged one.
func isServed(s documents.Stored) bool { return s.Document != nil || s.Damage != nil }

// drainingOutput answers what the servers need to deliver what they took; false when a document is lost or damaged and cannot be made again. A changed spec
// is put in force, so that a destination can still be mended; one that cannot be served leaves the last good one.
func drainingOutput(f found) (translate.GatewayOutput, bool) {
	out := translate.Gateway(f.input)
	if out.Action != translate.Write {
		out = translate.GatewayOutput{Action: translate.Write, Document: f.input.Previous, Secrets: f.input.PreviousSecrets}
	}
	if out.Document == nil || out.Secrets == nil {
		return translate.GatewayOutput{}, false
	}
	out.Document = translate.Draining(out.Document)
	// The garbage collector deletes the generated Secret while the gateway is still here, if its deletion is a foreground one. What the document has for the
	// servers is enough; to create the Secret again would go on for as long as the deletion waits.
	if out.SigningSecret != nil && translate.SignsWithShown(f.input.PreviousSecrets, out.SigningSecret) {
		out.SigningSecret = nil
	}
	return out, true
}

// undrainable answers the status of a gateway whose servers cannot be told to end it.
func undrainable(gateway *v1alpha1.MerchantGateway) v1alpha1.MerchantGatewayStatus {
	status := translate.DrainingStatus(gateway, 0, false)
	message := fmt.Sprintf("A serving document is damaged and cannot be made again from the spec, so the server replicas serve the last good one on; "+
		"mend what the spec refers to, or set spec.deletionPolicy to %s to give up what waits", v1alpha1.DeletionDiscard)
	for i := range status.Conditions {
		status.Conditions[i].Message = message
	}
	return status
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

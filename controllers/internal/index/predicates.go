package index

import (
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Changed passes what a resource's own reconcile acts on: its spec, its deletion, its finalizers and the annotations that
// ask for something. A status that the operator has just written does not come back to it.
func Changed() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero() ||
			e.ObjectOld.GetUID() != e.ObjectNew.GetUID() ||
			!slices.Equal(e.ObjectOld.GetFinalizers(), e.ObjectNew.GetFinalizers()) ||
			annotationChanged(e, v1alpha1.AnnotationRotateRequestedAt) ||
			annotationChanged(e, v1alpha1.AnnotationRotateDeliverySigningRequestedAt) ||
			annotationChanged(e, v1alpha1.AnnotationAcknowledgedIssuer)
	}}
}

func annotationChanged(e event.UpdateEvent, name string) bool {
	return e.ObjectOld.GetAnnotations()[name] != e.ObjectNew.GetAnnotations()[name]
}

// ComesOrGoes passes the creation and the deletion of an object.
func ComesOrGoes() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc:  func(e event.UpdateEvent) bool { return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

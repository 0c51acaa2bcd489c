package index

import (
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Changed passes what a resource's own reconcile acts on: its spec, its deletion, its finalizers and the annotation that asks for a
// rotation. A status that the operator has just written does not come back to it.
func Changed() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero() ||
			e.ObjectOld.GetUID() != e.ObjectNew.GetUID() ||
			!slices.Equal(e.ObjectOld.GetFinalizers(), e.ObjectNew.GetFinalizers()) ||
			e.ObjectOld.GetAnnotations()[v1alpha1.AnnotationRotateRequestedAt] != e.ObjectNew.GetAnnotations()[v1alpha1.AnnotationRotateRequestedAt]
	}}
}

// ComesOrGoes passes the creation and the deletion of an object.
func ComesOrGoes() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc:  func(e event.UpdateEvent) bool { return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

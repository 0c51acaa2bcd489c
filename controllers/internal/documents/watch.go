package documents

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/d1gateway/d1gateway/api/serving"
)

// Metadata answers an object to watch the documents of a kind by, without their content.
func Metadata(kind serving.Kind) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(objectKind(kind)))
	return object
}

// Owner answers the resource that an object of the system namespace holds the document of; false when it holds none of that kind.
func Owner(kind serving.Kind, objectName string) (types.NamespacedName, bool) {
	// A namespace has no dot, a name may have some.
	parts := strings.SplitN(objectName, ".", 3)
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return types.NamespacedName{}, false
	}
	owner := types.NamespacedName{Namespace: parts[1], Name: parts[2]}
	head := serving.Header{Kind: kind, Namespace: owner.Namespace, Name: owner.Name}
	return owner, head.ObjectName() == objectName
}

// Owners answers a function that maps an object of the system namespace to the resource that it holds the document of. Documents of
// other namespaces than these are left to whoever looks at those; none means all namespaces.
func Owners(kind serving.Kind, namespaces []string) handler.TypedMapFunc[*metav1.PartialObjectMetadata, reconcile.Request] {
	return func(_ context.Context, object *metav1.PartialObjectMetadata) []reconcile.Request {
		owner, ok := Owner(kind, object.GetName())
		if !ok || (len(namespaces) > 0 && !slices.Contains(namespaces, owner.Namespace)) {
			return nil
		}
		return []reconcile.Request{{NamespacedName: owner}}
	}
}

// ComesOrGoes passes the creation and the deletion of a document.
func ComesOrGoes() predicate.TypedPredicate[*metav1.PartialObjectMetadata] {
	return predicate.TypedFuncs[*metav1.PartialObjectMetadata]{
		UpdateFunc:  func(event.TypedUpdateEvent[*metav1.PartialObjectMetadata]) bool { return false },
		GenericFunc: func(event.TypedGenericEvent[*metav1.PartialObjectMetadata]) bool { return false },
	}
}

// Version answers the resourceVersion of a document that watched, a cache of their metadata, has seen last; empty when it knows of none.
func Version(ctx context.Context, watched client.Reader, kind serving.Kind, key types.NamespacedName) (string, error) {
	object := Metadata(kind)
	err := watched.Get(ctx, key, object)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("looking for serving document %s: %w", key.Name, err)
	}
	return object.GetResourceVersion(), nil
}

// Selector matches the objects that hold documents; Others matches all other objects.
func Selector() (labels.Selector, error) { return requirement(selection.Exists) }

// Others matches the objects that hold no documents.
func Others() (labels.Selector, error) { return requirement(selection.DoesNotExist) }

func requirement(op selection.Operator) (labels.Selector, error) {
	r, err := labels.NewRequirement(serving.LabelDocument, op, nil)
	if err != nil {
		return nil, fmt.Errorf("selecting serving documents: %w", err)
	}
	return labels.NewSelector().Add(*r), nil
}

// NewCache answers a cache of the metadata of the documents in the system namespace. It is a cache of its own because the manager's cache
// leaves the documents out: their Secrets would otherwise pass through the watch on the users' Secrets too.
func NewCache(config *rest.Config, namespace string, options cache.Options) (cache.Cache, error) {
	selector, err := Selector()
	if err != nil {
		return nil, err
	}
	options.DefaultNamespaces = map[string]cache.Config{namespace: {LabelSelector: selector}}
	options.DefaultTransform = NameOnly
	c, err := cache.New(config, options)
	if err != nil {
		return nil, fmt.Errorf("creating the cache of serving documents: %w", err)
	}
	return c, nil
}

// NameOnly drops all metadata that no watch asks about before it is cached: what an object holds is read when it is needed.
func NameOnly(in any) (any, error) {
	object, err := meta.Accessor(in)
	if err != nil {
		return in, nil //nolint:nilerr // A tombstone passes through as it is.
	}
	object.SetManagedFields(nil)
	object.SetAnnotations(nil)
	object.SetLabels(nil)
	object.SetOwnerReferences(nil)
	return in, nil
}

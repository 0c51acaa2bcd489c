package replicas

import (
	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"k8s.io/apimachinery/pkg/types"
)

// concerned answers the resources about which two reports of one name say different things, the versions aside: who waits for
// those has said so.
func concerned(before, after *v1alpha1.ReplicaReport) []resource {
	seen := map[resource]bool{}
	var all []resource
	add := func(r resource, ok bool) {
		if ok && !seen[r] {
			seen[r] = true
			all = append(all, r)
		}
	}
	for document := range difference(usesOf(before), usesOf(after)) {
		add(owner(document.document))
	}
	for refused := range difference(refusedBy(before), refusedBy(after)) {
		add(owner(refused))
	}
	for gateway := range difference(drainingOf(before), drainingOf(after)) {
		add(resource{serving.KindGateway, gateway}, true)
	}
	return all
}

// owner answers the resource whose document an object holds.
func owner(object string) (resource, bool) {
	for _, kind := range []serving.Kind{serving.KindClient, serving.KindGateway, serving.KindGatewaySecrets} {
		if key, ok := documents.Owner(kind, object); ok {
			if kind == serving.KindGatewaySecrets {
				kind = serving.KindGateway
			}
			return resource{kind, key}, true
		}
	}
	return resource{}, false
}

// objectsOf answers the names of the objects that hold the documents of a resource.
func objectsOf(r resource) []string {
	kinds := []serving.Kind{r.kind}
	if r.kind == serving.KindGateway {
		kinds = append(kinds, serving.KindGatewaySecrets)
	}
	var objects []string
	for _, kind := range kinds {
		objects = append(objects, serving.Header{Kind: kind, Namespace: r.key.Namespace, Name: r.key.Name}.ObjectName())
	}
	return objects
}

// difference answers the keys whose values differ.
func difference[K, V comparable](a, b map[K]V) map[K]bool {
	different := map[K]bool{}
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			different[key] = true
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			different[key] = true
		}
	}
	return different
}

type credential struct{ document, id string }

func usesOf(r *v1alpha1.ReplicaReport) map[credential]int64 {
	if r == nil {
		return nil
	}
	uses := make(map[credential]int64, len(r.Uses))
	for _, use := range r.Uses {
		uses[credential{use.Document, use.ID}] = use.LastUsedTime.Unix()
	}
	return uses
}

func refusedBy(r *v1alpha1.ReplicaReport) map[string]string {
	if r == nil || r.Documents == nil {
		return nil
	}
	refused := make(map[string]string, len(r.Documents.Refused))
	for _, d := range r.Documents.Refused {
		refused[d.Object] = d.Message
	}
	return refused
}

// waiting is how many notifications wait in a store.
type waiting struct {
	store string
	count int64
}

func drainingOf(r *v1alpha1.ReplicaReport) map[types.NamespacedName]waiting {
	if r == nil {
		return nil
	}
	draining := make(map[types.NamespacedName]waiting, len(r.Draining))
	for _, d := range r.Draining {
		if d.Undelivered != nil {
			draining[types.NamespacedName{Namespace: d.Namespace, Name: d.Name}] = waiting{storeOf(r), *d.Undelivered}
		}
	}
	return draining
}

// Package documents keeps serving documents in the system namespace: a Gateway in a ConfigMap, GatewaySecrets and Client in Secrets.
package documents

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/metrics"
)

// FieldOwner is the field manager of everything the operator writes.
const FieldOwner = client.FieldOwner("d1gateway")

// Store reads and writes the documents of one system namespace. The client must read Secrets and ConfigMaps from the API server and not
// from a cache: a document read too old would have a secret issued a second time.
type Store struct {
	client    client.Client
	namespace string
	metrics   *metrics.Metrics
	recorder  events.EventRecorder
	confirmed confirmed
}

// NewStore answers a store of the documents in namespace. The recorder is told of repairs.
func NewStore(c client.Client, namespace string, m *metrics.Metrics, recorder events.EventRecorder) *Store {
	return &Store{client: c, namespace: namespace, metrics: m, recorder: recorder}
}

// Key answers where the document of a resource is.
func (s *Store) Key(kind serving.Kind, resource metav1.Object) types.NamespacedName {
	head := serving.Header{Kind: kind, Namespace: resource.GetNamespace(), Name: resource.GetName()}
	return types.NamespacedName{Namespace: s.namespace, Name: head.ObjectName()}
}

// Stored is what was found where a document belongs.
type Stored struct {
	// Document is nil when there is none, or none that can be read.
	Document serving.Document
	// Damage says why what is there cannot be read; it repeats no secret.
	Damage error
	// Former says that what is there was made from an earlier resource of the same name, whose finalizer somebody removed by hand. It is
	// nobody's now, and Document is nil.
	Former bool
	// Version is the resourceVersion of the object; empty when there is none.
	Version string
	// Drift says what somebody else has done to it since this operator wrote it; empty when nothing is known of it. Document is what it was
	// before, as far as that is known: the servers may serve something else.
	Drift Drift

	raw      []byte
	labelled bool
}

// Read looks up the document of a resource. That there is none, or a damaged one, is no error.
func (s *Store) Read(ctx context.Context, kind serving.Kind, resource metav1.Object) (Stored, error) {
	object, data := newObject(kind)
	head := serving.Header{Kind: kind, Namespace: resource.GetNamespace(), Name: resource.GetName(), UID: string(resource.GetUID())}
	err := s.client.Get(ctx, s.Key(kind, resource), object)
	if apierrors.IsNotFound(err) {
		return s.confirmed.undrifted(head, Stored{}), nil
	}
	if err != nil {
		return Stored{}, fmt.Errorf("reading serving document %s: %w", head.ObjectName(), err)
	}
	found := Stored{raw: data(), labelled: hasLabels(object, kind), Version: object.GetResourceVersion()}
	found.Document, found.Damage = decode(found.raw, head)
	if found.Document != nil && found.Document.Head().UID != "" && found.Document.Head().UID != string(resource.GetUID()) {
		found.Document, found.Former = nil, true
	}
	return s.confirmed.undrifted(head, found), nil
}

func decode(raw []byte, want serving.Header) (serving.Document, error) {
	document, err := serving.Decode(raw)
	if err != nil {
		return nil, err
	}
	head := document.Head()
	if head.Kind != want.Kind || head.Namespace != want.Namespace || head.Name != want.Name {
		return nil, errors.New("the document belongs to another resource")
	}
	return document, nil
}

// newObject answers the kind of object that holds documents of a kind, and how to reach the document in it.
func newObject(kind serving.Kind) (client.Object, func() []byte) {
	if kind == serving.KindGateway {
		object := &corev1.ConfigMap{}
		return object, func() []byte { return []byte(object.Data[serving.DataKey]) }
	}
	object := &corev1.Secret{}
	return object, func() []byte { return object.Data[serving.DataKey] }
}

func labelsOf(kind serving.Kind) map[string]string {
	return map[string]string{serving.LabelDocument: string(kind), v1alpha1.LabelManagedBy: v1alpha1.ManagedByValue}
}

func hasLabels(object metav1.Object, kind serving.Kind) bool {
	for key, value := range labelsOf(kind) {
		if object.GetLabels()[key] != value {
			return false
		}
	}
	return true
}

package documents

import (
	"bytes"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
)

// Write makes the API server hold the document, by server-side apply: whoever else has edited the object, the document is the operator's.
// It does nothing when found, what Read has answered for it, is the same already. The answer is the resourceVersion of what is there now.
// When that undoes what somebody else did, an event of the resource says so.
func (s *Store) Write(ctx context.Context, resource runtime.Object, document serving.Document, found Stored) (string, error) {
	head := document.Head()
	raw, err := serving.Encode(document)
	if err != nil {
		return "", fmt.Errorf("encoding serving document %s: %w", head.ObjectName(), err)
	}
	if found.labelled && bytes.Equal(found.raw, raw) {
		s.confirmed.note(head.ObjectName(), found.Version, raw)
		return found.Version, nil
	}
	log.FromContext(ctx).Info("Writing serving document", "document", head.ObjectName())
	object, version := s.object(head, raw)
	err = s.client.Apply(ctx, object, FieldOwner, client.ForceOwnership)
	s.metrics.DocumentWritten(head.Kind, err)
	if err != nil {
		s.confirmed.forget(head.ObjectName())
		return "", outcome.FailedWrite(objectKind(head.Kind), types.NamespacedName{Namespace: s.namespace, Name: head.ObjectName()}, err)
	}
	s.confirmed.note(head.ObjectName(), version(), raw)
	if found.Drift != "" {
		s.announceRepair(resource, head, found.Drift)
	}
	return version(), nil
}

// object answers what is applied, and how to read the version that it has then.
func (s *Store) object(head serving.Header, raw []byte) (runtime.ApplyConfiguration, func() string) {
	if head.Kind == serving.KindGateway {
		object := corev1apply.ConfigMap(head.ObjectName(), s.namespace).
			WithLabels(labelsOf(head.Kind)).
			WithData(map[string]string{serving.DataKey: string(raw)})
		return object, func() string { return ptr.Deref(object.ResourceVersion, "") }
	}
	object := corev1apply.Secret(head.ObjectName(), s.namespace).
		WithLabels(labelsOf(head.Kind)).
		WithType(corev1.SecretTypeOpaque).
		WithData(map[string][]byte{serving.DataKey: raw})
	return object, func() string { return ptr.Deref(object.ResourceVersion, "") }
}

// Withdraw deletes the documents of a resource in the order given, and says whether there was one. A Gateway goes before its
// GatewaySecrets, so that no server is left with a gateway whose keys are gone.
func (s *Store) Withdraw(ctx context.Context, resource types.NamespacedName, kinds ...serving.Kind) (bool, error) {
	withdrawn := false
	for _, kind := range kinds {
		object, _ := newObject(kind)
		head := serving.Header{Kind: kind, Namespace: resource.Namespace, Name: resource.Name}
		key := types.NamespacedName{Namespace: s.namespace, Name: head.ObjectName()}
		s.confirmed.forget(head.ObjectName())
		if err := s.client.Get(ctx, key, object); client.IgnoreNotFound(err) != nil {
			return withdrawn, fmt.Errorf("reading serving document %s: %w", head.ObjectName(), err)
		} else if err != nil {
			continue
		}
		log.FromContext(ctx).Info("Deleting serving document", "document", head.ObjectName())
		err := client.IgnoreNotFound(s.client.Delete(ctx, object))
		s.metrics.DocumentWithdrawn(kind, err)
		if err != nil {
			return withdrawn, outcome.FailedWrite(objectKind(kind), key, err)
		}
		withdrawn = true
	}
	return withdrawn, nil
}

func objectKind(kind serving.Kind) string {
	if kind == serving.KindGateway {
		return "ConfigMap"
	}
	return "Secret"
}

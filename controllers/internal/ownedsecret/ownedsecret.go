// Package ownedsecret writes the Secrets that the operator generates in the namespaces of its users.
//
// It creates and updates instead of applying: a Secret of that name may be anybody's, and server-side apply cannot refuse one that has
// appeared since the reconciler looked. Create refuses an existing one, and an update carries the version that was looked at.
package ownedsecret

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/documents"
	"github.com/d1gateway/d1gateway/controllers/internal/outcome"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// Read answers the Secret, or nil when there is none.
func Read(ctx context.Context, reader client.Reader, key types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := reader.Get(ctx, key, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", key, err)
	}
	return secret, nil
}

// Write makes the Secret hold what desired says. found is what Read has answered, and the caller has made sure that it is the
// resource's own. Keys, labels and annotations that the operator does not write are left as they are.
func Write(ctx context.Context, c client.Client, found, desired *corev1.Secret) error {
	key := client.ObjectKeyFromObject(desired)
	if found == nil {
		log.FromContext(ctx).Info("Creating Secret", "object", key)
		if err := c.Create(ctx, desired.DeepCopy(), documents.FieldOwner); err != nil {
			return outcome.FailedWrite("Secret", key, err)
		}
		return nil
	}
	merged := merge(found, desired)
	if equality.Semantic.DeepEqual(found, merged) {
		return nil
	}
	log.FromContext(ctx).Info("Updating Secret", "object", key)
	if err := c.Update(ctx, merged, documents.FieldOwner); err != nil {
		return outcome.FailedWrite("Secret", key, err)
	}
	return nil
}

func merge(found, desired *corev1.Secret) *corev1.Secret {
	merged := found.DeepCopy()
	if merged.Data == nil {
		merged.Data = map[string][]byte{}
	}
	for _, key := range operatorKeys(desired) {
		delete(merged.Data, key)
	}
	maps.Copy(merged.Data, desired.Data)
	if merged.Labels == nil {
		merged.Labels = map[string]string{}
	}
	maps.Copy(merged.Labels, desired.Labels)
	if merged.Annotations == nil {
		merged.Annotations = map[string]string{}
	}
	for _, annotation := range operatorAnnotations() {
		delete(merged.Annotations, annotation)
	}
	maps.Copy(merged.Annotations, desired.Annotations)
	for _, owner := range desired.OwnerReferences {
		if !hasOwner(merged.OwnerReferences, owner) {
			merged.OwnerReferences = append(merged.OwnerReferences, owner)
		}
	}
	return merged
}

// operatorKeys are the keys that the operator writes into such a Secret, and therefore removes when they are no longer wanted. A key that it writes into the
// Secrets of another kind is not its own in this one.
func operatorKeys(desired *corev1.Secret) []string {
	if translate.IsDeliverySecret(desired) {
		return []string{v1alpha1.KeySigningSecret, v1alpha1.KeyPreviousSigningSecret, v1alpha1.KeyPublicKey, v1alpha1.KeyPreviousPublicKey}
	}
	return []string{v1alpha1.KeyClientID, v1alpha1.KeyClientSecret, v1alpha1.KeyPreviousClientSecret, v1alpha1.KeyNextClientSecret, v1alpha1.KeyTokenURL}
}

// operatorAnnotations are the annotations that the operator writes at some times and removes at others.
func operatorAnnotations() []string {
	return []string{v1alpha1.AnnotationSecretCreated, v1alpha1.AnnotationPreviousExpires, v1alpha1.AnnotationPreviousSignsUntil}
}

func hasOwner(owners []metav1.OwnerReference, wanted metav1.OwnerReference) bool {
	for _, owner := range owners {
		if owner.UID == wanted.UID {
			return true
		}
	}
	return false
}

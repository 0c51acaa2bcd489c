package translate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// AnnotationGeneratedFor on a Secret that the operator wrote names the resource it was written for, as Kind/name. Outside a cluster, where there
// are no owner references, it tells whose the Secret is.
const AnnotationGeneratedFor = "d1gateway.io/generated-for"

// Kinds of the resources.
const (
	kindMerchantGateway = "MerchantGateway"
	kindOAuthClient     = "OAuthClient"
)

// generatedFor says whether a Secret was written by the operator for the owner: then the owner controls it.
func generatedFor(secret *corev1.Secret, owner metav1.Object, kind string) bool {
	if owner.GetUID() != "" {
		return metav1.IsControlledBy(secret, owner)
	}
	return secret.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedByValue && secret.Annotations[AnnotationGeneratedFor] == kind+"/"+owner.GetName()
}

// IsGenerated says whether a Secret was written by the operator for the client.
func IsGenerated(secret *corev1.Secret, c *v1alpha1.OAuthClient) bool {
	return generatedFor(secret, c, kindOAuthClient)
}

// IsDeliverySecret says whether a Secret of the operator's shows what verifies the deliveries of a gateway.
func IsDeliverySecret(secret *corev1.Secret) bool {
	return strings.HasPrefix(secret.Annotations[AnnotationGeneratedFor], kindMerchantGateway+"/")
}

// generatedSecret answers a Secret of the operator's for the owner.
func generatedSecret(name string, owner metav1.Object, kind string, data map[string][]byte) *corev1.Secret {
	secret := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   owner.GetNamespace(),
			Name:        name,
			Labels:      map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByValue},
			Annotations: map[string]string{AnnotationGeneratedFor: kind + "/" + owner.GetName()},
		},
		Type: corev1.SecretTypeOpaque,
		Data: data,
	}
	if owner.GetUID() != "" {
		secret.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, v1alpha1.GroupVersion.WithKind(kind))}
	}
	return secret
}

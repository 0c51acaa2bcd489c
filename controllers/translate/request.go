package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// longestRequest bounds what documents and status repeat of a request, in characters. Annotations may hold 256 KiB.
const longestRequest = 1024

// rotationRequestOf answers the request for a rotation that the resource carries, a digest of it when it is long; empty when it carries none.
func rotationRequestOf(resource metav1.Object) string {
	return requestOf(resource, v1alpha1.AnnotationRotateRequestedAt)
}

func requestOf(resource metav1.Object, annotation string) string {
	request := resource.GetAnnotations()[annotation]
	if utf8.RuneCountInString(request) <= longestRequest {
		return request
	}
	digest := sha256.Sum256([]byte(request))
	return "sha256:" + hex.EncodeToString(digest[:])
}

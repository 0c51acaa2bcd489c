package oauthclient

import (
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Remembered holds, for as long as the operator runs, what each generated Secret showed last. Documents hold digests only: a Secret that somebody
// deletes can come back as it was because of this. The zero value is empty.
type Remembered struct {
	mu      sync.Mutex
	secrets map[types.NamespacedName]remembered // by OAuthClient
}

// remembered is what the Secret of that name showed for one OAuthClient, which its uid tells from another one of the name.
type remembered struct {
	uid               types.UID
	name              string
	current, previous serving.Secret
}

// saw takes up what a generated Secret shows, if its document knows it: what somebody else has put there may not be worth keeping.
func (r *Remembered) saw(owner *v1alpha1.OAuthClient, secret *corev1.Secret, document *serving.Client) {
	digest := serving.DigestSecret(string(secret.Data[v1alpha1.KeyClientSecret]))
	if document != nil && slices.ContainsFunc(document.Credentials, func(c serving.Credential) bool { return c.Digest.Equal(digest) }) {
		r.wrote(owner, secret)
	}
}

// wrote takes up what the operator has written.
func (r *Remembered) wrote(owner *v1alpha1.OAuthClient, secret *corev1.Secret) {
	text := string(secret.Data[v1alpha1.KeyClientSecret])
	if text == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets = map[types.NamespacedName]remembered{}
	}
	previous := serving.NewSecret(string(secret.Data[v1alpha1.KeyPreviousClientSecret]))
	r.secrets[client.ObjectKeyFromObject(owner)] = remembered{owner.UID, secret.Name, serving.NewSecret(text), previous}
}

// of answers what the client's Secret showed last; nothing when none was seen. Another name in spec.credentials.secretName asks for another secret.
func (r *Remembered) of(owner *v1alpha1.OAuthClient) (current, previous serving.Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.secrets[client.ObjectKeyFromObject(owner)]
	if seen.uid != owner.UID || seen.name != owner.Spec.Credentials.SecretName {
		return serving.Secret{}, serving.Secret{}
	}
	return seen.current, seen.previous
}

func (r *Remembered) forget(owner types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.secrets, owner)
}

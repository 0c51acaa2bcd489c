package oauthclient

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Remembered holds, for as long as the operator runs, the client_secret that each generated Secret showed last. Documents hold digests only: a
// Secret that somebody deletes can come back as it was because of this. The zero value is empty.
type Remembered struct {
	mu      sync.Mutex
	secrets map[types.UID]serving.Secret
}

// remember takes up what a generated Secret of the OAuthClient shows.
func (r *Remembered) remember(owner types.UID, secret *corev1.Secret) {
	text := string(secret.Data[v1alpha1.KeyClientSecret])
	if text == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets = map[types.UID]serving.Secret{}
	}
	r.secrets[owner] = serving.NewSecret(text)
}

// of answers the client_secret that was seen last; zero when none was.
func (r *Remembered) of(owner types.UID) serving.Secret {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.secrets[owner]
}

func (r *Remembered) forget(owner types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.secrets, owner)
}

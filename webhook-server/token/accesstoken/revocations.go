package accesstoken

import (
	"sync"
	"time"
)

// Revocations are the access tokens that were ended before their time, as far as this replica knows. It may be used by many
// goroutines at once; the zero value holds none.
type Revocations struct {
	mu      sync.RWMutex
	expires map[revoked]time.Time
}

// revoked names a token: its jti is unique only with its gateway.
type revoked struct{ gatewayID, jti string }

// Add ends a token. expires is its exp, or later.
func (r *Revocations) Add(gatewayID, jti string, expires time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.expires == nil {
		r.expires = map[revoked]time.Time{}
	}
	r.expires[revoked{gatewayID, jti}] = expires
}

// Has says whether the token was ended.
func (r *Revocations) Has(gatewayID, jti string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.expires) == 0 {
		return false
	}
	_, ok := r.expires[revoked{gatewayID, jti}]
	return ok
}

// Forget drops those that nobody accepts any more: a token works until MaxSkew after its exp.
func (r *Revocations) Forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for token, expires := range r.expires {
		if !now.Before(expires.Add(MaxSkew)) {
			delete(r.expires, token)
		}
	}
}

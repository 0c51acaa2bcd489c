package accesstoken

import (
	"sync"
	"time"
)

// MaxRevocations bounds the revoked tokens of one gateway that are remembered, some 200 bytes each on every replica.
const MaxRevocations = 10_000

// Revocations are the access tokens that were ended before their time, as far as this replica knows. It may be used by many
// goroutines at once; the zero value holds none.
type Revocations struct {
	mu sync.RWMutex
	// expires is the exp of each, or later, by merchantGatewayId and jti: a jti is unique only with its gateway.
	expires map[string]map[string]time.Time
}

// Add ends a token. expires is its exp, or later.
func (r *Revocations) Add(gatewayID, jti string, expires time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.expires == nil {
		r.expires = map[string]map[string]time.Time{}
	}
	if r.expires[gatewayID] == nil {
		r.expires[gatewayID] = map[string]time.Time{}
	}
	r.expires[gatewayID][jti] = expires
}

// HasRoom says whether the gateway has fewer than MaxRevocations. Whoever takes a new revocation asks first; one that another replica
// took is remembered in any case.
func (r *Revocations) HasRoom(gatewayID string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.expires[gatewayID]) < MaxRevocations
}

// Has says whether the token was ended.
func (r *Revocations) Has(gatewayID, jti string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.expires[gatewayID][jti]
	return ok
}

// Forget drops those that nobody accepts any more: a token works until MaxSkew after its exp.
func (r *Revocations) Forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for gatewayID, tokens := range r.expires {
		for jti, expires := range tokens {
			if !now.Before(expires.Add(MaxSkew)) {
				delete(tokens, jti)
			}
		}
		if len(tokens) == 0 {
			delete(r.expires, gatewayID)
		}
	}
}

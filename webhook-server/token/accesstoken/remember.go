package accesstoken

import (
	"crypto/sha256"
	"sync"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// verified is a token whose signature held: its claims and the key that it held with.
type verified struct {
	claims *Claims
	key    *serving.Key
}

// memory remembers tokens whose signature held, by the SHA-256 of their text. It holds at most twice its size: when the younger of
// two generations is full it becomes the older one, and what was not used meanwhile is forgotten.
type memory struct {
	size int

	mu             sync.Mutex
	younger, older map[[sha256.Size]byte]verified
}

func newMemory(size int) *memory {
	return &memory{size: size, younger: make(map[[sha256.Size]byte]verified)}
}

func (m *memory) get(sum [sha256.Size]byte) (verified, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.younger[sum]; ok {
		return v, true
	}
	v, ok := m.older[sum]
	if ok {
		m.add(sum, v)
	}
	return v, ok
}

func (m *memory) put(sum [sha256.Size]byte, v verified) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(sum, v)
}

func (m *memory) add(sum [sha256.Size]byte, v verified) {
	if len(m.younger) >= m.size {
		m.older, m.younger = m.younger, make(map[[sha256.Size]byte]verified)
	}
	m.younger[sum] = v
}

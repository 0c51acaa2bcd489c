package peer

import (
	"strings"
	"sync"
)

const (
	// rememberedChains and rememberedBytes bound one generation of the memory, by number and by the length of the header values.
	rememberedChains = 4096
	rememberedBytes  = 8 << 20
)

// headerKey is the header values that a chain was read from. The values themselves are compared, which is quicker than a digest of them.
type headerKey struct {
	value string
	chain string // of Client-Cert-Chain
}

func (k headerKey) size() int { return len(k.value) + len(k.chain) }

// memory remembers chains that were read from headers and accepted by a gateway; what nobody accepts cannot push them out. It holds at
// most twice its size: when the younger of two generations is full it becomes the older one, and what was not used meanwhile is forgotten.
type memory struct {
	size, bytes int

	mu             sync.Mutex
	younger, older map[headerKey]*presented
	youngerBytes   int
}

func newMemory(size, bytes int) *memory {
	return &memory{size: size, bytes: bytes, younger: map[headerKey]*presented{}}
}

func (m *memory) get(k headerKey) (*presented, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.younger[k]; ok {
		return p, true
	}
	p, ok := m.older[k]
	if ok {
		m.add(k, p)
	}
	return p, ok
}

func (m *memory) put(k headerKey, p *presented) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(k, p)
}

func (m *memory) add(k headerKey, p *presented) {
	if _, known := m.younger[k]; known {
		return // another request was quicker
	}
	if len(m.younger) >= m.size || m.youngerBytes+k.size() > m.bytes {
		m.older, m.younger, m.youngerBytes = m.younger, map[headerKey]*presented{}, 0
	}
	// The values may be parts of larger strings, which must not stay with them.
	m.younger[headerKey{strings.Clone(k.value), strings.Clone(k.chain)}] = p
	m.youngerBytes += k.size()
}

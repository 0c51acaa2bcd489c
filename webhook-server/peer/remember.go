package peer

import (
	"strings"
	"sync"
)

const (
	// These bound one generation of a memory, by number and by the length of the header values.
	acceptedChains, acceptedBytes = 4096, 8 << 20
	refusedChains, refusedBytes   = 256, 1 << 20
)

// headerKey is the header values that a chain was read from. The values themselves are compared, which is quicker than a digest of them.
type headerKey struct {
	value string
	chain string // of Client-Cert-Chain
}

func (k headerKey) size() int { return len(k.value) + len(k.chain) }

// memory remembers chains that were read from headers. There is one for those that some gateway has accepted, and another for the rest, so
// that what nobody accepts cannot push them out. It holds at most twice its size: when the younger of two generations is full it becomes
// the older one, and what was not used meanwhile is forgotten.
type memory struct {
	size, bytes int

	mu             sync.Mutex
	younger, older map[headerKey]*clientChain
	youngerBytes   int
}

func newMemory(size, bytes int) *memory {
	return &memory{size: size, bytes: bytes, younger: map[headerKey]*clientChain{}}
}

// get answers nil for what is not remembered.
func (m *memory) get(k headerKey) *clientChain {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.younger[k]; ok {
		return c
	}
	c := m.older[k]
	if c != nil {
		m.add(k, c)
	}
	return c
}

// put remembers a chain; one without a key is of no header.
func (m *memory) put(k headerKey, c *clientChain) {
	if k == (headerKey{}) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(k, c)
}

func (m *memory) add(k headerKey, c *clientChain) {
	if _, known := m.younger[k]; known {
		return // another request was quicker
	}
	if len(m.younger) >= m.size || m.youngerBytes+k.size() > m.bytes {
		m.older, m.younger, m.youngerBytes = m.younger, map[headerKey]*clientChain{}, 0
	}
	// The values may be parts of larger strings, which must not stay with them.
	m.younger[headerKey{strings.Clone(k.value), strings.Clone(k.chain)}] = c
	m.youngerBytes += k.size()
}

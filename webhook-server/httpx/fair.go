package httpx

import "sync"

// Fair gives out n slots for requests under way and never lets one key take them all: a key gets another slot only while it holds fewer
// than are free. One key alone gets half of the slots; k keys that all want more settle at n/(k+1) each, which leaves as many for a
// newcomer. It is the dynamic threshold of shared-memory switches (Choudhury and Hahne, 1998).
//
// A slot cannot be taken back, so a key that arrives late finds what the earlier ones have left: with k keys holding slots, however
// they came by them, at least (n+1)/2^k - 1 are free, and as requests end the shares even out. Nobody waits: what finds no slot is to be
// shed at once, because under overload a quick refusal costs less than a queue whose head has already given up.
//
// It allocates only for a key that it has not seen lately. Its methods may be called from several goroutines.
type Fair[K comparable] struct {
	n int

	mu   sync.Mutex
	free int
	keys map[K]*holding // also of keys that hold nothing, until there are more than 2n
}

// holding is the number of slots that a key holds, guarded by Fair.mu.
type holding struct{ slots int }

// Slot is leave to serve one request. It must be given back exactly once.
type Slot[K comparable] struct {
	of  *Fair[K]
	key *holding
}

// NewFair makes a Fair of n slots; n is at least 1.
func NewFair[K comparable](n int) *Fair[K] {
	return &Fair[K]{n: n, free: n, keys: make(map[K]*holding)}
}

// Acquire answers a slot for the key, or false when the key holds its share or no slot is free.
func (f *Fair[K]) Acquire(key K) (Slot[K], bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.free == 0 {
		return Slot[K]{}, false
	}
	h := f.keys[key]
	if h == nil {
		h = f.add(key)
	}
	if h.slots >= f.free {
		return Slot[K]{}, false
	}
	h.slots++
	f.free--
	return Slot[K]{f, h}, true
}

// Release gives the slot back.
func (s Slot[K]) Release() {
	s.of.mu.Lock()
	s.key.slots--
	s.of.free++
	s.of.mu.Unlock()
}

// InUse answers how many slots are taken, from 0 to n.
func (f *Fair[K]) InUse() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n - f.free
}

// add remembers a key. A key that holds nothing stays, so that one in steady use costs no allocation; at most n keys hold something, so
// that forgetting the others leaves room for n more before it has to be done again.
func (f *Fair[K]) add(key K) *holding {
	if len(f.keys) >= 2*f.n {
		for k, h := range f.keys {
			if h.slots == 0 {
				delete(f.keys, k)
			}
		}
	}
	h := new(holding)
	f.keys[key] = h
	return h
}

package clientauth

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

const (
	// failureBurst is how many failures of one client id from one source are answered before any more are refused unlooked at.
	failureBurst = 50
	// failureInterval is how long it takes until one more is.
	failureInterval = 6 * time.Second
	// rememberedFailures bounds the pairs of client id and source that are remembered, some 50 bytes each. Who floods the memory to be
	// forgotten needs more requests for that than it gains guesses.
	rememberedFailures = 1 << 15
)

// suspect is a client id together with the place that requests come from. Both count: who guesses in one place cannot lock a client
// out in another, and no number of places together can.
type suspect uint64

// failures counts failed authentications for each suspect, as a bucket that leaks one every failureInterval.
type failures struct {
	seed maphash.Seed
	size int

	mu sync.Mutex
	// emptyAt is when the bucket of a suspect will have leaked empty. What was not touched while the younger generation filled up is
	// forgotten.
	younger, older map[suspect]time.Time
}

func newFailures(size int) *failures {
	return &failures{seed: maphash.MakeSeed(), size: size, younger: map[suspect]time.Time{}}
}

// suspect names a client id and a source. Addresses of IPv6 count by their /64: one host has all of it.
func (f *failures) suspect(clientID string, source netip.Addr) suspect {
	if source.Is6() && !source.Is4In6() {
		if prefix, err := source.WithZone("").Prefix(64); err == nil {
			source = prefix.Addr()
		}
	}
	address := source.As16()
	var h maphash.Hash
	h.SetSeed(f.seed)
	_, _ = h.Write(address[:])
	_, _ = h.WriteString(clientID)
	return suspect(h.Sum64())
}

// tooMany says whether the bucket of a suspect is full.
func (f *failures) tooMany(s suspect, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return full(f.get(s), now)
}

// add counts a failure and says whether it was the one that filled the bucket.
func (f *failures) add(s suspect, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.get(s)
	emptyAt := was
	if emptyAt.Before(now) {
		emptyAt = now
	}
	emptyAt = emptyAt.Add(failureInterval)
	if _, ok := f.younger[s]; !ok && len(f.younger) >= f.size {
		f.older, f.younger = f.younger, make(map[suspect]time.Time)
	}
	f.younger[s] = emptyAt
	return full(emptyAt, now) && !full(was, now)
}

func (f *failures) get(s suspect) time.Time {
	if emptyAt, ok := f.younger[s]; ok {
		return emptyAt
	}
	return f.older[s]
}

func full(emptyAt, now time.Time) bool { return emptyAt.Sub(now) > (failureBurst-1)*failureInterval }

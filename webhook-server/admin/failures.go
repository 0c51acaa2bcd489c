package admin

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// failureBurst is how many wrong tokens from one address are looked at before any more are refused unlooked at.
	failureBurst = 20
	// failureInterval is how long it takes until one more is.
	failureInterval = 3 * time.Second
	// rememberedSources is how many addresses each of two generations holds.
	rememberedSources = 4096
	// warnInterval is how often, at most, the log says so of one address.
	warnInterval = time.Minute
)

// failures counts wrong tokens for each address, as a bucket that leaks one every failureInterval. It protects the API server, which would be asked
// about each; right tokens that are known pass all the same.
type failures struct {
	size int

	mu sync.Mutex
	// What was not touched while the younger generation filled up is forgotten.
	younger, older map[netip.Addr]bucket
}

type bucket struct {
	emptyAt  time.Time // when it will have leaked empty
	warnedAt time.Time
}

func newFailures(size int) *failures {
	return &failures{size: size, younger: map[netip.Addr]bucket{}}
}

func (f *failures) tooMany(source netip.Addr, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.get(source).full(now)
}

// add counts a failure and says whether the log is to tell of it.
func (f *failures) add(source netip.Addr, now time.Time) (warn bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.get(source)
	if b.emptyAt.Before(now) {
		b.emptyAt = now
	}
	b.emptyAt = b.emptyAt.Add(failureInterval)
	if now.Sub(b.warnedAt) >= warnInterval {
		b.warnedAt, warn = now, true
	}
	if _, ok := f.younger[source]; !ok && len(f.younger) >= f.size {
		f.older, f.younger = f.younger, make(map[netip.Addr]bucket)
	}
	f.younger[source] = b
	return warn
}

func (f *failures) get(source netip.Addr) bucket {
	if b, ok := f.younger[source]; ok {
		return b
	}
	return f.older[source]
}

func (b bucket) full(now time.Time) bool {
	return b.emptyAt.Sub(now) > (failureBurst-1)*failureInterval
}

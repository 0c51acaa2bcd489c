package clientauth

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// failureBurst is how many failures of one client from one source are answered before any more are refused unlooked at.
	failureBurst = 50
	// failureInterval is how long it takes until one more is.
	failureInterval = 6 * time.Second
	// rememberedFailures is how many suspects each of two generations holds: 53 bytes for each, 3.5 MB when both are full. Who floods the
	// memory to be forgotten needs more requests for that than it gains guesses.
	rememberedFailures = 1 << 15
	// warnInterval is how often, at most, the log says of one suspect that it has failed too often.
	warnInterval = time.Minute
)

// suspect is a client together with the place that requests come from. Both count: who guesses in one place cannot lock a client
// out in another, and no number of places together can.
type suspect uint64

// failures counts failed authentications for each suspect, as a bucket that leaks one every failureInterval.
type failures struct {
	seed maphash.Seed
	size int

	mu sync.Mutex
	// What was not touched while the younger generation filled up is forgotten.
	younger, older map[suspect]bucket
}

// bucket is what has run up against a suspect, in nanoseconds since 1970: a third of the size of two time.Time.
type bucket struct {
	emptyAt  int64 // when it will have leaked empty
	warnedAt int64 // when the log last said that it is full
}

func newFailures(size int) *failures {
	return &failures{seed: maphash.MakeSeed(), size: size, younger: map[suspect]bucket{}}
}

// suspect names a client and a source. Two tenants' clients may have one id, on different hosts, and their calls may come from the same
// addresses: the client counts and not its id, so that failures of the one are not the other's. An id that nobody has stands for itself.
func (f *failures) suspect(client *serving.Client, clientID string, source netip.Addr) suspect {
	var h maphash.Hash
	h.SetSeed(f.seed)
	address := source.As16()
	_, _ = h.Write(address[:])
	if client == nil {
		_ = h.WriteByte(0)
		_, _ = h.WriteString(clientID)
	} else {
		_ = h.WriteByte(1)
		_, _ = h.WriteString(client.Namespace)
		_ = h.WriteByte(0) // no name holds one
		_, _ = h.WriteString(client.Name)
	}
	return suspect(h.Sum64())
}

// tooMany says whether the bucket of a suspect is full.
func (f *failures) tooMany(s suspect, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return full(f.get(s).emptyAt, now.UnixNano())
}

// add counts a failure and says whether the log is to say that the bucket is full.
func (f *failures) add(s suspect, at time.Time) (warn bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, b := at.UnixNano(), f.get(s)
	b.emptyAt = max(b.emptyAt, now) + int64(failureInterval)
	if full(b.emptyAt, now) && now-b.warnedAt >= int64(warnInterval) {
		b.warnedAt, warn = now, true
	}
	if _, ok := f.younger[s]; !ok && len(f.younger) >= f.size {
		f.older, f.younger = f.younger, make(map[suspect]bucket)
	}
	f.younger[s] = b
	return warn
}

func (f *failures) get(s suspect) bucket {
	if b, ok := f.younger[s]; ok {
		return b
	}
	return f.older[s]
}

func full(emptyAt, now int64) bool { return emptyAt-now > int64((failureBurst-1)*failureInterval) }

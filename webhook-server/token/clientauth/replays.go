package clientauth

import (
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// rememberedAssertions bounds the assertions that are remembered as used: 36 to 39 bytes each, 20 MB when it is reached. They are live
	// for 12 minutes at most, so a namespace's share is 45 tokens a second at the very least, and 270 with an exp a minute ahead.
	rememberedAssertions = 1 << 19
	// replayShares: the clients of one namespace may take up one of so many equal shares of the memory, so that a tenant that keeps sending
	// does not lock out the others.
	replayShares = 16
	// keptAssertions is how many each client may have remembered however full the memory and its namespace's share are: beyond the
	// bound there are at most that many of each client, 2.5 KB.
	keptAssertions = 64
	// sweepInterval is the pause between two looks for what has expired, each of which goes through the whole memory: 4 to 20 ms when it
	// is full.
	sweepInterval = time.Second
)

var (
	errReplayed = errors.New("it was used before")
	// errNoRoom says nothing against the assertion: nobody can remember that it was used.
	errNoRoom = errors.New("too many used ones have not expired yet")
)

// replays remembers which assertions were used, until they expire (RFC 7523 section 3, item 7). Each replica remembers its own.
type replays struct {
	seed              maphash.Seed
	size, share, kept int

	mu    sync.Mutex
	used  map[owner]uses
	total int            // of all uses
	held  map[string]int // of those, by namespace
	swept time.Time
}

// owner is the client whose assertions they are.
type owner struct{ namespace, name string }

// uses are the assertions that one client has used: when each expires, in seconds since 1970 rounded up, by the hash of its jti. That two
// jti have one hash happens to one in 2^49 at worst, and then an assertion is refused that was not used before.
type uses map[uint64]int64

func newReplays(size, kept int) *replays {
	return &replays{
		seed: maphash.MakeSeed(), size: size, share: max(1, size/replayShares), kept: kept,
		used: map[owner]uses{}, held: map[string]int{},
	}
}

// use remembers that the client has used the jti. The error is errReplayed when it has done so before, and errNoRoom when the memory, or
// its namespace's share of it, is full of assertions that are still live: forgetting one would let it be used twice.
func (r *replays) use(client *serving.Client, jti string, until, now time.Time) error {
	by := owner{client.Namespace, client.Name}
	sum := maphash.String(r.seed, jti)
	r.mu.Lock()
	defer r.mu.Unlock()
	before, known := r.used[by][sum]
	if known && now.Unix() < before {
		return errReplayed
	}
	if r.full(by.namespace) {
		r.sweep(now)
		_, known = r.used[by][sum]
	}
	if r.full(by.namespace) && len(r.used[by]) >= r.kept {
		return errNoRoom
	}
	if !known {
		r.total++
		r.held[by.namespace]++
	}
	if r.used[by] == nil {
		r.used[by] = uses{}
	}
	r.used[by][sum] = until.Add(time.Second - time.Nanosecond).Unix()
	return nil
}

func (r *replays) full(namespace string) bool {
	return r.total >= r.size || r.held[namespace] >= r.share
}

// sweep forgets what has expired.
func (r *replays) sweep(now time.Time) {
	if now.Sub(r.swept) < sweepInterval {
		return
	}
	r.swept = now
	r.total = 0
	clear(r.held)
	for by, all := range r.used {
		live := all.live(now)
		if len(live) == 0 {
			delete(r.used, by)
			continue
		}
		r.used[by] = live
		r.total += len(live)
		r.held[by.namespace] += len(live)
	}
}

// live answers those that have not expired. A map keeps the room of what was deleted: where much has expired it is a new one.
func (u uses) live(now time.Time) uses {
	before := len(u)
	for sum, until := range u {
		if now.Unix() >= until {
			delete(u, sum)
		}
	}
	if len(u) > before/2 {
		return u
	}
	young := make(uses, len(u))
	for sum, until := range u {
		young[sum] = until
	}
	return young
}

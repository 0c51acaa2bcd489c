package clientauth

import (
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// rememberedAssertions bounds the assertions that are remembered as used, some 100 bytes each.
	rememberedAssertions = 1 << 16
	// replayShares: a client may take up one of so many equal shares of the memory, so that one that keeps sending does not lock out the others.
	replayShares = 16
	// sweepInterval is the pause between two looks for what has expired, each of which goes through the whole memory.
	sweepInterval = time.Second
)

var (
	errReplayed = errors.New("it was used before")
	// errNoRoom says nothing against the assertion: nobody can remember that it was used.
	errNoRoom = errors.New("too many used ones have not expired yet")
)

// replays remembers which assertions were used, until they expire (RFC 7523 section 3, item 7). Each replica remembers its own.
type replays struct {
	size, share int

	mu    sync.Mutex
	used  map[[sha256.Size]byte]use
	held  map[string]int // by each client
	swept time.Time
}

// use is an assertion that a client has used, and until when it would be good.
type use struct {
	client string
	until  time.Time
}

func newReplays(size int) *replays {
	return &replays{size: size, share: max(1, size/replayShares), used: map[[sha256.Size]byte]use{}, held: map[string]int{}}
}

// use remembers that the client has used the jti. The error is errReplayed when it has done so before, and errNoRoom when the memory, or
// the client's share of it, is full of assertions that are still live: forgetting one would let it be used twice.
func (r *replays) use(client *serving.Client, jti string, until, now time.Time) error {
	name := client.ObjectName()
	sum := sha256.Sum256([]byte(name + "\x00" + jti))
	r.mu.Lock()
	defer r.mu.Unlock()
	if before, known := r.used[sum]; known && now.Before(before.until) {
		return errReplayed
	}
	if !r.hasRoom(name) {
		r.sweep(now)
	}
	if !r.hasRoom(name) {
		return errNoRoom
	}
	if _, known := r.used[sum]; !known {
		r.held[name]++
	}
	r.used[sum] = use{name, until}
	return nil
}

func (r *replays) hasRoom(client string) bool {
	return len(r.used) < r.size && r.held[client] < r.share
}

// sweep forgets what has expired.
func (r *replays) sweep(now time.Time) {
	if now.Sub(r.swept) < sweepInterval {
		return
	}
	r.swept = now
	for sum, u := range r.used {
		if now.Before(u.until) {
			continue
		}
		delete(r.used, sum)
		if r.held[u.client]--; r.held[u.client] == 0 {
			delete(r.held, u.client)
		}
	}
}

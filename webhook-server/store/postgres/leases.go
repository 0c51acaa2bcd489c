package postgres

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// claim is one notification in the hands of a worker of this process. It holds what the row has, so that the outcome can be computed here: while the lease lasts nobody
// else changes the row.
type claim struct {
	store.Delivery
	seq     int64
	lane    int32
	wasDue  int64 // when it was due
	until   int64
	history []byte
	// recording is set while the outcome is being committed.
	recording bool
}

// leases knows the claims of this process. Only who has claimed a notification records or releases it.
type leases struct {
	mu     sync.Mutex
	claims map[int64]*claim // by lease
	latest int64            // the latest instant that a call has named
	sweep  int              // how many there may be before those that are over are looked for
}

const firstSweep = 1024

func newLeases() *leases { return &leases{claims: map[int64]*claim{}, sweep: firstSweep} }

// newNumbers answers a number such that it and the 65,535 after it have never been a lease, but for a chance of one in 2^46.
func newNumbers() int64 {
	var random [8]byte
	_, _ = rand.Read(random[:])                                                // never fails
	return int64(binary.BigEndian.Uint64(random[:])&0x7fff_ffff_ffff_0000) | 1 // #nosec G115 -- 63 bits
}

// mostClaims is how many numbers newNumbers answers, and so what one call claims at most.
const mostClaims = 0xffff

// name says that a call has named the instant: leases that end by then are over.
func (l *leases) name(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = max(l.latest, now.UnixMilli())
}

// add takes claims that have been made.
func (l *leases) add(claims []*claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range claims {
		l.claims[c.Lease] = c
	}
	if len(l.claims) < l.sweep {
		return
	}
	for lease, c := range l.claims {
		if c.until <= l.latest && !c.recording {
			delete(l.claims, lease)
		}
	}
	l.sweep = max(firstSweep, 2*len(l.claims))
}

// begin holds a claim fast until end or cancel. It answers store.ErrLeaseLost when the claim is over at the instant.
func (l *leases) begin(id string, lease int64, at time.Time) (*claim, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !at.IsZero() {
		l.latest = max(l.latest, at.UnixMilli())
	}
	c := l.claims[lease]
	if c == nil || c.ID != id || c.recording {
		return nil, store.ErrLeaseLost
	}
	if c.until <= l.latest {
		delete(l.claims, lease)
		return nil, store.ErrLeaseLost
	}
	c.recording = true
	return c, nil
}

// end forgets a claim.
func (l *leases) end(c *claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.claims, c.Lease)
}

// cancel leaves a claim as it was: the worker may try again while the lease lasts.
func (l *leases) cancel(c *claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.recording = false
}

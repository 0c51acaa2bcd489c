package postgres

import (
	"container/heap"
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
	lane    int64
	wasDue  int64 // when it was due
	until   int64
	history []byte
	// recording is set while the outcome is being committed.
	recording bool
	// over says that a call has named an instant at which the lease had ended.
	over  bool
	place int // in leases.byEnd
}

// leases knows the claims of this process. Only who has claimed a notification records or releases it.
type leases struct {
	mu     sync.Mutex
	claims map[int64]*claim // by lease
	byEnd  endings
}

func newLeases() *leases { return &leases{claims: map[int64]*claim{}} }

// newNumbers answers a number such that it and the 65,535 after it have never been a lease, but for a chance of one in 2^46.
func newNumbers() int64 {
	var random [8]byte
	_, _ = rand.Read(random[:])                                                // never fails
	return int64(binary.BigEndian.Uint64(random[:])&0x7fff_ffff_ffff_0000) | 1 // #nosec G115 -- 63 bits
}

// mostClaims is how many numbers newNumbers answers, and so what one call claims at most.
const mostClaims = 0xffff

// name says that a call has named the instant: the leases there are that end by then are over. Those of later claims are not: a clock that was wrong once is not believed for ever.
func (l *leases) name(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(now)
}

func (l *leases) end(now time.Time) {
	for len(l.byEnd) > 0 && l.byEnd[0].until <= now.UnixMilli() {
		c := heap.Pop(&l.byEnd).(*claim)
		c.over = true
		if !c.recording {
			delete(l.claims, c.Lease)
		}
	}
}

// add takes claims that have been made.
func (l *leases) add(claims []*claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range claims {
		l.claims[c.Lease] = c
		heap.Push(&l.byEnd, c)
	}
}

// begin holds a claim fast until forget or cancel. It answers store.ErrLeaseLost when the claim is over at the instant.
func (l *leases) begin(id string, lease int64, at time.Time) (*claim, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !at.IsZero() {
		l.end(at)
	}
	c := l.claims[lease]
	if c == nil || c.ID != id || c.recording {
		return nil, store.ErrLeaseLost
	}
	c.recording = true
	return c, nil
}

// forget ends a claim.
func (l *leases) forget(c *claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.claims, c.Lease)
	if !c.over {
		heap.Remove(&l.byEnd, c.place)
	}
}

// cancel leaves a claim as it was: the worker may try again while the lease lasts.
func (l *leases) cancel(c *claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.recording = false
	if c.over {
		delete(l.claims, c.Lease)
	}
}

// endings is a heap (container/heap) of claims, by the end of their lease.
type endings []*claim

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].until < e[j].until }
func (e endings) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].place, e[j].place = i, j
}

// Push implements heap.Interface.
func (e *endings) Push(x any) {
	c := x.(*claim)
	c.place = len(*e)
	*e = append(*e, c)
}

// Pop implements heap.Interface.
func (e *endings) Pop() any {
	last := len(*e) - 1
	c := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	return c
}

package sqlite

import (
	"slices"
	"sync"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// queue knows which notifications wait, which of them are claimed, and how many are dead, lane by lane.
//
// It lives in memory because one process owns the file: a claim costs no write, a restart ends every claim, and finding
// what is due never scans a table. It holds 24 bytes for each waiting notification, more for one that is keyed, and is rebuilt when the store opens.
// It changes only after the matching rows are committed. Instants are Unix milliseconds.
type queue struct {
	mu        sync.Mutex
	lanes     map[string]*lane
	claims    map[int64]*claim     // by lease
	keyed     map[int64]keyed      // by seq: the waiting ones that are Ordered or have Merge
	merges    map[mergeKey][]int64 // the seqs of those into which others may be merged: mostly one
	ends      heap[leaseEnd]
	lastLease int64
}

// claim is one notification in the hands of a worker.
type claim struct {
	waiting
	id    string
	lane  string
	lease int64
	until int64
	// What the row had when it was claimed. Nothing changes it while the claim holds.
	made        int // attempts, since it was received or replayed
	lastAttempt int64
	history     []byte
	// recording is set while the outcome is being committed; ended when the lease ran out meanwhile.
	recording, ended bool
}

type leaseEnd struct {
	until, lease int64
}

func (e leaseEnd) before(o leaseEnd) bool { return e.until < o.until }

// newQueue answers an empty queue whose leases count up from firstLease.
func newQueue(firstLease int64) *queue {
	return &queue{lanes: map[string]*lane{}, claims: map[int64]*claim{}, keyed: map[int64]keyed{}, merges: map[mergeKey][]int64{}, lastLease: firstLease}
}

func (q *queue) lane(name string) *lane {
	l := q.lanes[name]
	if l == nil {
		l = &lane{}
		q.lanes[name] = l
	}
	return l
}

func (q *queue) forgetIfEmpty(name string) {
	if l := q.lanes[name]; l != nil && l.isEmpty() {
		delete(q.lanes, name)
	}
}

// enter takes a notification that waits. What is known of it as a keyed one counts only when it is one.
func (q *queue) enter(laneName string, w waiting, k keyed) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if k.ordered || k.merge {
		q.keyed[w.seq()] = k
	}
	q.offer(laneName, w)
}

// addDead counts n more dead notifications in the lane; n may be negative.
func (q *queue) addDead(laneName string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lane(laneName).dead += n
	q.forgetIfEmpty(laneName)
}

func (q *queue) dueLanes(now int64) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endLeases(now)
	var due []string
	for name, l := range q.lanes {
		if l.isDue(now) {
			due = append(due, name)
		}
	}
	slices.Sort(due)
	return due
}

func (q *queue) nextDue(now int64) (int64, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endLeases(now)
	next := never
	for _, l := range q.lanes {
		next = min(next, l.nextDue(now))
	}
	if len(q.ends) > 0 {
		next = min(next, q.ends[0].until)
	}
	return next, next != never
}

// stats counts each lane that has waiting or dead notifications, in order of name. A claimed one waits.
func (q *queue) stats() []store.LaneStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	oldestClaimed := map[string]int64{}
	for _, c := range q.claims {
		if oldest, ok := oldestClaimed[c.lane]; !ok || c.received < oldest {
			oldestClaimed[c.lane] = c.received
		}
	}
	stats := make([]store.LaneStats, 0, len(q.lanes))
	for name, l := range q.lanes {
		count, oldest := l.unclaimed()
		if claimed, ok := oldestClaimed[name]; ok {
			oldest = min(oldest, claimed)
		}
		s := store.LaneStats{Lane: name, Waiting: count + l.claimed, Dead: l.dead}
		if s.Waiting > 0 {
			s.OldestWaiting = fromMillis(oldest)
		}
		stats = append(stats, s)
	}
	slices.SortFunc(stats, func(a, b store.LaneStats) int {
		if a.Lane < b.Lane {
			return -1
		}
		return 1
	})
	return stats
}

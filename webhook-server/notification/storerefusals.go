package notification

import (
	"sync"
	"sync/atomic"
	"time"
)

// refusalsInterval lies between two log lines about calls that the store did not take.
const refusalsInterval = 10 * time.Second

// storeRefusals keeps the log readable while the store takes nothing: one line when that begins and at most one every so often, with the number of those that
// had none. Metrics count them all.
type storeRefusals struct {
	unlogged atomic.Int64
	mu       sync.Mutex
	last     time.Time // when a line was written
}

// refused says whether to log this one, and how many have not been logged since the last line.
func (s *storeRefusals) refused(now time.Time) (logs bool, unlogged int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.last) < refusalsInterval {
		s.unlogged.Add(1)
		return false, 0
	}
	s.last = now
	return true, s.unlogged.Swap(0)
}

// taken says how many have not been logged, some time after the store has begun to take what comes again.
func (s *storeRefusals) taken(now time.Time) (unlogged int64) {
	if s.unlogged.Load() == 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.last) < refusalsInterval {
		return 0
	}
	s.last = now
	return s.unlogged.Swap(0)
}

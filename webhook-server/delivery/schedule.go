package delivery

import (
	"sync"
	"time"
)

const (
	// shortestScan is the least time between two looks at all lanes, however many notifications become due one after the other.
	shortestScan = 100 * time.Millisecond
	// longestScan is the most: what another replica stored, or claimed and left behind, is found by then.
	longestScan = 5 * time.Second
)

// schedule is when to look at all lanes next.
type schedule struct {
	mu      sync.Mutex
	at      time.Time
	changed chan struct{} // holds one: at has come nearer
}

func (s *schedule) set(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

func (s *schedule) get() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// expect says that something becomes due at that time.
func (s *schedule) expect(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !at.Before(s.at) {
		return
	}
	s.at = at
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// scan wakes the lanes that have something due: at the start, and whenever time makes something due.
func (d *Dispatcher) scan() {
	for d.claiming.Err() == nil {
		now := d.now()
		d.schedule.set(now.Add(longestScan))
		if next, ok := d.wakeDue(now); ok {
			d.schedule.expect(next)
		}
		d.forget(now)
		d.sleep(now.Add(shortestScan))
	}
}

// wakeDue wakes the lanes that have something due and answers when more becomes due.
func (d *Dispatcher) wakeDue(now time.Time) (time.Time, bool) {
	lanes, err := d.store.DueLanes(d.claiming, now)
	if err != nil {
		if d.claiming.Err() == nil {
			d.storeFailed("due_lanes", err)
		}
		return time.Time{}, false // the next look is due in any case
	}
	for _, lane := range lanes {
		d.Wake(lane)
	}
	next, ok, err := d.store.NextDue(d.claiming, now)
	if err != nil && d.claiming.Err() == nil {
		d.storeFailed("next_due", err)
	}
	return next, ok && err == nil
}

// sleep waits until the schedule says so, but not less than until the given time.
func (d *Dispatcher) sleep(atLeast time.Time) {
	for d.claiming.Err() == nil {
		wait := later(d.schedule.get(), atLeast).Sub(d.now())
		if wait <= 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-d.schedule.changed:
		case <-d.claiming.Done():
		}
		timer.Stop()
	}
}

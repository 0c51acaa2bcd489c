package delivery

import (
	"sync"
	"time"
)

const (
	// shortestScan is the least time between two looks at all lanes, however many notifications become due one after the other: with several
	// replicas and hundreds of lanes each look is work for the database. What becomes due by this process's own doing needs none.
	shortestScan = time.Second
	// longestScan is the most: what another replica stored, or claimed and left behind, is found by then.
	longestScan = 5 * time.Second
)

// schedule is when to look at all lanes next, and which lanes to wake before that.
type schedule struct {
	mu      sync.Mutex
	at      time.Time
	wakes   wakes
	changed chan struct{} // holds one: something has come nearer
}

func newSchedule() schedule {
	return schedule{wakes: newWakes(), changed: make(chan struct{}, 1)}
}

func (s *schedule) set(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

// expect says that all lanes should be looked at by that time.
func (s *schedule) expect(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !at.Before(s.at) {
		return
	}
	s.at = at
	s.signal()
}

// expectLane says that something of the lane becomes due at that time. What is far off is left to the looks at all lanes.
func (s *schedule) expectLane(lane string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Sub(s.at) < longestScan && s.wakes.add(lane, at) {
		s.signal()
	}
}

func (s *schedule) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// next answers the lanes to wake now, and when to go on: to wake another, or to look at all.
func (s *schedule) next(now time.Time) (due []string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for lane, ok := s.wakes.due(now); ok; lane, ok = s.wakes.due(now) {
		due = append(due, lane)
	}
	at = s.at
	if first, ok := s.wakes.next(); ok && first.Before(at) {
		at = first
	}
	return due, at
}

func (s *schedule) isDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.at)
}

// Look has all lanes looked at now: something has become due that this process does not know of, by a replay for instance. It does not block.
func (d *Dispatcher) Look() { d.schedule.expect(d.now()) }

// scan wakes the lanes that have something due: at the start, and whenever time makes something due.
func (d *Dispatcher) scan() {
	for d.claiming.Err() == nil {
		now := d.now()
		d.schedule.set(now.Add(longestScan))
		if next, ok := d.wakeDue(now); ok {
			d.schedule.expect(later(next, now.Add(shortestScan)))
		}
		d.forget(now)
		d.proxy.forget(now)
		d.sleep()
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

// sleep waits until it is time to look at all lanes, and wakes single ones meanwhile.
func (d *Dispatcher) sleep() {
	for d.claiming.Err() == nil {
		now := d.now()
		if d.schedule.isDue(now) {
			return
		}
		due, at := d.schedule.next(now)
		for _, lane := range due {
			d.Wake(lane)
		}
		d.await(max(at.Sub(now), time.Millisecond), d.schedule.changed)
	}
}

package delivery

import (
	"slices"
	"strings"
	"sync"
)

// slots are the shared bound on attempts under way, beside one of each lane's own. Nobody can take them all, by destinations that are slow for instance:
// a tenant, which is a namespace, gets one more only while it holds fewer than are free, and a lane only while it holds fewer than its tenant might
// have in addition. So a tenant alone gets half of them and k tenants 1/(k+1) each, which leaves as many for a newcomer; the lanes of a tenant
// share what it gets in the same manner. It is the rule of httpx.Fair, which the listener for D1 follows, but here who finds no slot waits for one.
type slots struct {
	mu      sync.Mutex
	free    int
	tenants map[string]*tenantSlots
	waiting []*slotWaiter // in order of arrival
}

// tenantSlots are what a tenant holds.
type tenantSlots struct {
	held  int
	lanes map[string]int
}

// slotWaiter waits for one slot. Granted is closed when it has it.
type slotWaiter struct {
	lane    string
	granted chan struct{}
}

func newSlots(n int) *slots { return &slots{free: n, tenants: map[string]*tenantSlots{}} }

func tenantOf(lane string) string {
	namespace, _, _ := strings.Cut(lane, "/")
	return namespace
}

// take takes up to n slots for the lane, without waiting, and answers how many.
func (s *slots) take(lane string, n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for taken := range n {
		if !s.takeOne(lane) {
			return taken
		}
	}
	return max(n, 0)
}

// takeOne takes a slot if the lane may have one. The caller holds the lock.
func (s *slots) takeOne(lane string) bool {
	tenant := tenantOf(lane)
	t := s.tenants[tenant]
	if t == nil {
		t = &tenantSlots{lanes: map[string]int{}}
	}
	if more := s.free - t.held; more <= 0 || t.lanes[lane] >= more {
		return false
	}
	s.tenants[tenant] = t
	s.free--
	t.held++
	t.lanes[lane]++
	return true
}

// wait takes a slot for the lane as soon as it may have one, in turn with others. The answer is false when one of the channels is closed before.
func (s *slots) wait(lane string, changed, done <-chan struct{}) bool {
	s.mu.Lock()
	if s.takeOne(lane) {
		s.mu.Unlock()
		return true
	}
	w := &slotWaiter{lane: lane, granted: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()
	select {
	case <-w.granted:
		return true
	case <-changed:
	case <-done:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, w); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return false
	}
	return true // granted at the same time
}

// leave gives back a slot of the lane, and whoever may have one now gets it.
func (s *slots) leave(lane string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tenant := tenantOf(lane)
	t := s.tenants[tenant]
	s.free++
	t.held--
	if t.lanes[lane]--; t.lanes[lane] == 0 {
		delete(t.lanes, lane)
	}
	if t.held == 0 {
		delete(s.tenants, tenant)
	}
	for i := 0; i < len(s.waiting) && s.free > 0; {
		if w := s.waiting[i]; s.takeOne(w.lane) {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			close(w.granted)
			continue
		}
		i++
	}
}

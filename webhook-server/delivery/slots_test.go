package delivery

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// takeAll takes for a lane until it gets no more.
func takeAll(s *slots, lane string) (taken int) {
	for s.take(lane, 1) == 1 {
		taken++
	}
	return taken
}

func TestATenantWithManyLanesLeavesAsManySlotsAsItHolds(t *testing.T) {
	s := newSlots(1024)
	held := 0
	for i := range 100 {
		held += takeAll(s, fmt.Sprintf("a/gateway/MGW_000001/%d", i))
	}
	if held > 512 || held < 500 {
		t.Errorf("one tenant holds %d of 1024", held)
	}
	if got := takeAll(s, "b/gateway/MGW_000002"); got < 100 {
		t.Errorf("another tenant's lane gets %d", got)
	}
}

func TestSomeLanesOfATenantLeaveSlotsToItsOtherLanes(t *testing.T) {
	s := newSlots(1024)
	for i := range 5 {
		s.take(fmt.Sprintf("a/gateway/MGW_000001/%d", i), 256)
	}
	// they took them one lane after the other; as attempts end the shares even out
	for range 1000 {
		for i := range 5 {
			lane := fmt.Sprintf("a/gateway/MGW_000001/%d", i)
			if s.tenants["a"].lanes[lane] > 0 {
				s.leave(lane)
			}
		}
		for i := range 5 {
			s.take(fmt.Sprintf("a/gateway/MGW_000001/%d", i), 2)
		}
	}
	if got := takeAll(s, "a/gateway/MGW_000001/new"); got < 25 {
		t.Errorf("the sixth lane gets %d", got)
	}
}

func TestWhoWaitsForASlotGetsTheFirstThatItMayHave(t *testing.T) {
	s := newSlots(4)
	never := make(chan struct{})
	takeAll(s, "a/x/1")
	takeAll(s, "b/x/1")
	for s.free > 0 {
		takeAll(s, fmt.Sprintf("c%d/x/1", s.free))
	}
	got := make(chan bool)
	go func() { got <- s.wait("d/x/1", never, never) }()
	for {
		s.mu.Lock()
		waits := len(s.waiting)
		s.mu.Unlock()
		if waits == 1 {
			break
		}
	}
	s.leave("a/x/1")
	if !<-got {
		t.Error("it did not get it")
	}
	closed := make(chan struct{})
	close(closed)
	if s.wait("e/x/1", closed, never) || len(s.waiting) != 0 {
		t.Error("it did not give up")
	}
}

// Whatever order they are taken and given back in, none is lost and none is made.
func TestSlotsAreNeitherLostNorMade(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newSlots(50)
	held := map[string]int{}
	for range 20_000 {
		lane := fmt.Sprintf("%d/x/%d", random.IntN(3), random.IntN(4))
		if random.IntN(2) == 0 {
			held[lane] += s.take(lane, random.IntN(9)-1)
		} else if held[lane] > 0 {
			held[lane]--
			s.leave(lane)
		}
		sum := s.free
		for _, n := range held {
			sum += n
		}
		if sum != 50 || s.free < 1 {
			t.Fatalf("%d free, %v held", s.free, held)
		}
	}
	for lane, n := range held {
		for range n {
			s.leave(lane)
		}
	}
	if s.free != 50 || len(s.tenants) != 0 {
		t.Errorf("%d free, %d tenants remembered", s.free, len(s.tenants))
	}
}

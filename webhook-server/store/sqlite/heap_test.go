package sqlite

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// someWaiting is a heap of so many, and what it has in order.
func someWaiting(count int64) (h heap[waiting], ordered []waiting) {
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- the same numbers each time
	for seq := range count {
		w := newWaiting(seq, 0, random.Int64N(count/4+1), 0)
		h.push(w)
		ordered = append(ordered, w)
	}
	slices.SortFunc(ordered, func(a, b waiting) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return h, ordered
}

func drain(h heap[waiting]) (all []waiting) {
	for len(h) > 0 {
		all = append(all, h.pop())
	}
	return all
}

func TestAHeapGivesBackInOrder(t *testing.T) {
	h, want := someWaiting(20_000)
	if got := drain(h); !slices.Equal(got, want) {
		t.Error("not in order of due instant and then of sequence")
	}
}

func TestAHeapStaysInOrderWhateverIsRemoved(t *testing.T) {
	for i := range 300 {
		h, want := someWaiting(300)
		removed := h.remove(i)
		want = slices.DeleteFunc(want, func(w waiting) bool { return w == removed })
		if got := drain(h); !slices.Equal(got, want) {
			t.Fatalf("without the element at %d: not in order, or not the others", i)
		}
	}
}

func TestAHeapStaysInOrderWhateverIsDropped(t *testing.T) {
	for every := int64(1); every < 8; every++ {
		h, want := someWaiting(5_000)
		named := func(w waiting) bool { return w.seq()%every == 0 }
		h.drop(named)
		if got := drain(h); !slices.Equal(got, slices.DeleteFunc(want, named)) {
			t.Fatalf("without every %d. element: not in order, or not the others", every)
		}
	}
}

func TestTheFirstOfAHeapAreThoseThatWouldBePopped(t *testing.T) {
	for _, count := range []int64{0, 1, 2, 7, 500, 501, 3_000} {
		h, want := someWaiting(count)
		for i, b := range firstDue(h, 500) {
			if b.waiting != want[i] || h[b.at] != want[i] {
				t.Fatalf("of %d the %d. is %+v, want %+v", count, i, b, want[i])
			}
		}
		if got := len(firstDue(h, 500)); got != min(500, int(count)) {
			t.Errorf("%d of %d", got, count)
		}
	}
}

func TestAWaitingOneKeepsItsSeqAndAttempts(t *testing.T) {
	for _, seq := range []int64{1, 4096, 1 << 50} {
		for attempts, want := range map[int]int64{0: 0, 1: 1, mostAttempts: mostAttempts, mostAttempts + 1: mostAttempts} {
			if w := newWaiting(seq, 5, 6, attempts); w.seq() != seq || w.attempts() != want || w.due != 6 || w.received != 5 {
				t.Errorf("seq %d with %d attempts is %+v", seq, attempts, w)
			}
		}
	}
}

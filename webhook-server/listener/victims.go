package listener

import "container/heap"

// victims holds the sources that have connections to lose, the first to lose one on top. Every operation takes a time that grows with the
// logarithm of the number of sources.
type victims struct{ heap sourceHeap }

// first answers the source that loses a connection first, nil when none can.
func (v *victims) first() *source {
	if len(v.heap) == 0 {
		return nil
	}
	return v.heap[0]
}

// update must follow whatever changes the order of a source: its standing, its number of connections, its first exposed ones.
func (v *victims) update(s *source) {
	switch can := s.longestIdle() != nil; {
	case can && s.place == 0:
		heap.Push(&v.heap, s)
	case can:
		heap.Fix(&v.heap, s.place-1)
	case s.place != 0:
		heap.Remove(&v.heap, s.place-1)
	}
}

type sourceHeap []*source

func (h sourceHeap) Len() int           { return len(h) }
func (h sourceHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h sourceHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

func (h *sourceHeap) Push(x any) {
	s := x.(*source)
	*h = append(*h, s)
	s.place = len(*h)
}

func (h *sourceHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.place = 0
	return s
}

package sqlite

import "slices"

// ordered is what has an order of its own.
type ordered[T any] interface{ before(T) bool }

var (
	_ ordered[waiting]  = waiting{}
	_ ordered[leaseEnd] = leaseEnd{}
	_ ordered[branch]   = branch{}
)

// heap is a binary heap: its first element is before all others. It holds plain values, unlike container/heap, so that
// a million waiting notifications cost one slice and no allocation each.
type heap[T ordered[T]] []T

func (h *heap[T]) push(x T) {
	*h = append(*h, x)
	s := *h
	s.rise(len(s) - 1)
}

// pop removes and answers the first element; the heap must not be empty.
func (h *heap[T]) pop() T { return h.remove(0) }

// remove removes and answers the element at i.
func (h *heap[T]) remove(i int) T {
	s := *h
	removed, last := s[i], len(s)-1
	s[i] = s[last]
	*h = s[:last]
	if i < last {
		h.sink(i)
		h.rise(i)
	}
	h.shrink()
	return removed
}

// rise moves the element at i to before those that it is before.
func (h heap[T]) rise(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].before(h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// sink moves the element at i to behind those that are before it.
func (h heap[T]) sink(i int) {
	for {
		next := 2*i + 1
		if next >= len(h) {
			return
		}
		if next+1 < len(h) && h[next+1].before(h[next]) {
			next++
		}
		if !h[next].before(h[i]) {
			return
		}
		h[i], h[next] = h[next], h[i]
		i = next
	}
}

// shrink gives back memory after a long queue has drained.
func (h *heap[T]) shrink() {
	if s := *h; cap(s) > 1024 && len(s) < cap(s)/4 {
		*h = append(make(heap[T], 0, cap(s)/2), s...)
	}
}

// drop removes the elements that the function names. It looks at all of them.
func (h *heap[T]) drop(named func(T) bool) {
	before := len(*h)
	*h = slices.DeleteFunc(*h, named)
	if len(*h) == before {
		return
	}
	for i := len(*h)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
	h.shrink()
}

package sqlite

// ordered is what has an order of its own.
type ordered[T any] interface{ before(T) bool }

var (
	_ ordered[waiting]  = waiting{}
	_ ordered[leaseEnd] = leaseEnd{}
)

// heap is a binary heap: its first element is before all others. It holds plain values, unlike container/heap, so that
// a million waiting notifications cost one slice and no allocation each.
type heap[T ordered[T]] []T

func (h *heap[T]) push(x T) {
	*h = append(*h, x)
	s := *h
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s[i].before(s[parent]) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

// pop removes and answers the first element; the heap must not be empty.
func (h *heap[T]) pop() T {
	s := *h
	first, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	for i := 0; ; {
		next := 2*i + 1
		if next >= last {
			break
		}
		if next+1 < last && s[next+1].before(s[next]) {
			next++
		}
		if !s[next].before(s[i]) {
			break
		}
		s[i], s[next] = s[next], s[i]
		i = next
	}
	*h = s
	if cap(s) > 1024 && len(s) < cap(s)/4 {
		*h = append(make(heap[T], 0, cap(s)/2), s...) // gives back memory after a long queue has drained
	}
	return first
}

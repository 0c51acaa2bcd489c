package sqlite

import "github.com/d1gateway/d1gateway/webhook-server/store"

// probe hands out one due notification of the lane, or none: of those due for longest the one received first, then the one of most attempts.
func (q *queue) probe(laneName string, now, until int64) *claim {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endLeases(now)
	l := q.lanes[laneName]
	if l == nil || !l.isDue(now) {
		return nil
	}
	choice := firstDue(l.ready, store.ProbeChoice)
	best := choice[0]
	for _, other := range choice[1:] {
		w, b := other.waiting, best.waiting
		if w.due > now {
			break // only for a clock that went back
		}
		if w.received < b.received || w.received == b.received && w.attempts() > b.attempts() {
			best = other
		}
	}
	return q.hold(laneName, l, l.ready.remove(best.at), until)
}

// branch is an element of a heap and its place there: what is below it comes after it.
type branch struct {
	waiting
	at int
}

func (b branch) before(o branch) bool { return b.waiting.before(o.waiting) }

// firstDue answers the first n elements of the heap in order, and leaves it as it is. It looks at no more than twice as many.
func firstDue(h heap[waiting], n int) []branch {
	var next heap[branch]
	if len(h) > 0 {
		next.push(branch{h[0], 0})
	}
	var found []branch
	for len(found) < n && len(next) > 0 {
		b := next.pop()
		found = append(found, b)
		for _, child := range []int{2*b.at + 1, 2*b.at + 2} {
			if child < len(h) {
				next.push(branch{h[child], child})
			}
		}
	}
	return found
}

package delivery

import (
	"container/heap"
	"time"
)

const (
	// wakeGrain is how closely instants are told apart, and wakesOfLane how many of a lane are remembered: what becomes due
	// beyond them is found when all lanes are looked at.
	wakeGrain   = 100 * time.Millisecond
	wakesOfLane = 64
)

// wake is an instant at which something of a lane becomes due, in units of wakeGrain.
type wake struct {
	at   int64
	lane string
}

// wakes are the instants that this process knows of, the earliest first.
type wakes struct {
	heap  wakeHeap
	known map[wake]bool
	of    map[string]int // how many, by lane
}

func newWakes() wakes { return wakes{known: map[wake]bool{}, of: map[string]int{}} }

// add remembers an instant, rounded up, unless there are enough of the lane already. The answer is true when it is the earliest of all.
func (w *wakes) add(lane string, at time.Time) bool {
	n := wake{at.Add(wakeGrain-1).UnixMilli() / wakeGrain.Milliseconds(), lane}
	if w.known[n] || w.of[lane] == wakesOfLane {
		return false
	}
	w.known[n] = true
	w.of[lane]++
	heap.Push(&w.heap, n)
	return w.heap[0] == n
}

// due takes out the next instant that has come.
func (w *wakes) due(now time.Time) (lane string, ok bool) {
	at, ok := w.next()
	if !ok || at.After(now) {
		return "", false
	}
	n := heap.Pop(&w.heap).(wake)
	delete(w.known, n)
	if w.of[n.lane]--; w.of[n.lane] == 0 {
		delete(w.of, n.lane)
	}
	return n.lane, true
}

// next is the earliest instant.
func (w *wakes) next() (time.Time, bool) {
	if len(w.heap) == 0 {
		return time.Time{}, false
	}
	return time.UnixMilli(w.heap[0].at * wakeGrain.Milliseconds()), true
}

type wakeHeap []wake

func (h wakeHeap) Len() int           { return len(h) }
func (h wakeHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h wakeHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *wakeHeap) Push(x any)        { *h = append(*h, x.(wake)) }
func (h *wakeHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

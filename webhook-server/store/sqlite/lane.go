package sqlite

import "math"

// never is later than every instant, in milliseconds.
const never = int64(math.MaxInt64)

// waiting is one waiting notification as the queue knows it. Instants are Unix milliseconds.
type waiting struct {
	due, seq, received int64
}

func (w waiting) before(o waiting) bool {
	if w.due != o.due {
		return w.due < o.due
	}
	return w.seq < o.seq
}

// lane holds the waiting, unclaimed notifications of one destination.
//
// They are kept apart by horizon, the latest instant that anyone has asked about: ready was due by then, later was not.
// So the next due instant is found without passing over what is due already, however much of it has piled up.
type lane struct {
	ready, later heap[waiting]
	horizon      int64
	claimed      int
	dead         int
}

func (l *lane) push(w waiting) {
	if w.due <= l.horizon {
		l.ready.push(w)
		return
	}
	l.later.push(w)
}

// advance moves what is due by now into ready. Each notification moves once.
func (l *lane) advance(now int64) {
	if now <= l.horizon {
		return
	}
	l.horizon = now
	for len(l.later) > 0 && l.later[0].due <= now {
		l.ready.push(l.later.pop())
	}
}

func (l *lane) isDue(now int64) bool {
	l.advance(now)
	return len(l.ready) > 0 && l.ready[0].due <= now
}

// nextDue is the earliest due instant after now, or never.
func (l *lane) nextDue(now int64) int64 {
	l.advance(now)
	next := never
	if len(l.later) > 0 {
		next = l.later[0].due
	}
	if now == l.horizon {
		return next
	}
	for _, w := range l.ready { // only for a clock that went back
		if w.due > now {
			next = min(next, w.due)
		}
	}
	return next
}

// unclaimed counts what nobody holds; oldest is the earliest reception among it, or never.
func (l *lane) unclaimed() (count int, oldest int64) {
	oldest = never
	for _, w := range l.ready {
		oldest = min(oldest, w.received)
	}
	for _, w := range l.later {
		oldest = min(oldest, w.received)
	}
	return len(l.ready) + len(l.later), oldest
}

func (l *lane) isEmpty() bool {
	return len(l.ready) == 0 && len(l.later) == 0 && l.claimed == 0 && l.dead == 0
}

package sqlite

import "math"

// never is later than every instant, in milliseconds.
const never = int64(math.MaxInt64)

// waiting is one waiting notification as the queue knows it. Instants are Unix milliseconds.
type waiting struct {
	due, received int64
	// rank is seq and, in its lowest attemptBits, the attempts: 24 bytes hold it all, and a million may wait.
	rank int64
}

const (
	attemptBits  = 12
	mostAttempts = 1<<attemptBits - 1 // that are told apart
)

func newWaiting(seq, received, due int64, attempts int) waiting {
	return waiting{due: due, received: received, rank: seq<<attemptBits | int64(min(attempts, mostAttempts))}
}

func (w waiting) seq() int64 { return w.rank >> attemptBits }

func (w waiting) attempts() int64 { return w.rank & mostAttempts }

func (w waiting) before(o waiting) bool {
	if w.due != o.due {
		return w.due < o.due
	}
	return w.rank < o.rank
}

// lane holds the waiting, unclaimed notifications of one destination. Ordered ones that may not be claimed yet are in lines only.
//
// They are kept apart by horizon, the latest instant that anyone has asked about: ready was due by then, later was not.
// So the next due instant is found without passing over what is due already, however much of it has piled up.
type lane struct {
	ready, later heap[waiting]
	lines        map[token]*line // by token
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

// drop removes what the function names from where claims find it.
func (l *lane) drop(named func(waiting) bool) {
	l.ready.drop(named)
	l.later.drop(named)
}

// unclaimed counts what nobody holds; oldest is the earliest reception among it, or never.
func (l *lane) unclaimed() (count int, oldest int64) {
	oldest = never
	for _, list := range [][]waiting{l.ready, l.later} {
		count += len(list)
		for _, w := range list {
			oldest = min(oldest, w.received)
		}
	}
	for _, line := range l.lines {
		for _, m := range line.members {
			if !m.claimed && m.seq() != line.offered {
				count++
				oldest = min(oldest, m.received)
			}
		}
	}
	return count, oldest
}

func (l *lane) isEmpty() bool {
	return len(l.ready) == 0 && len(l.later) == 0 && l.claimed == 0 && l.dead == 0 && len(l.lines) == 0
}

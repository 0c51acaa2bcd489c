package sqlite

import "github.com/d1gateway/d1gateway/webhook-server/store"

// claimsBySeq answers all claims.
func (q *queue) claimsBySeq() map[int64]*claim {
	bySeq := make(map[int64]*claim, len(q.claims))
	for _, c := range q.claims {
		bySeq[c.seq()] = c
	}
	return bySeq
}

// withoutClaimed leaves out the waiting rows that somebody holds.
func (q *queue) withoutClaimed(rows []row) []row {
	q.mu.Lock()
	defer q.mu.Unlock()
	claimed := q.claimsBySeq()
	kept := rows[:0]
	for _, r := range rows {
		if r.State != store.Waiting || claimed[r.seq] == nil {
			kept = append(kept, r)
		}
	}
	return kept
}

// replayed follows a replay that is durable; the rows are as they were before it. What has been claimed since the replay looked is due earlier only
// if its claim ends without an outcome.
func (q *queue) replayed(rows []row, at int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	claimed := q.claimsBySeq()
	moves := map[string]*move{}
	for _, r := range rows {
		if c := claimed[r.seq]; c != nil && r.State == store.Waiting {
			c.due = at
			continue
		}
		m := moves[r.Lane]
		if m == nil {
			m = &move{out: map[int64]bool{}, lines: map[*line]bool{}}
			moves[r.Lane] = m
		}
		q.replayOne(m, r, at)
	}
	for name, m := range moves {
		m.apply(q.lane(name))
	}
}

// move is how the heaps of a lane change by a replay: what leaves, leaves together, because each time costs a look at all.
type move struct {
	out   map[int64]bool // by seq
	in    []waiting
	lines map[*line]bool // that have changed
}

func (q *queue) replayOne(m *move, r row, at int64) {
	l, wasWaiting := q.lane(r.Lane), r.State == store.Waiting
	r.nextAttempt = at
	k := r.keyed()
	if !wasWaiting {
		r.Attempts = 0
		if r.State == store.Dead {
			l.dead--
		}
		if k.ordered || k.merge {
			q.keyed[r.seq] = k
			q.offerMerge(r.Lane, r.waiting(), k)
		}
	}
	if k.ordered {
		n := l.line(k.token)
		n.set(r.waiting(), false)
		m.lines[n] = true
		if n.offered != r.seq {
			return // its turn comes, or has come now
		}
		n.offered = 0
	}
	if wasWaiting {
		m.out[r.seq] = true
	}
	if !k.ordered {
		m.in = append(m.in, r.waiting())
	}
}

func (m *move) apply(l *lane) {
	for n := range m.lines {
		out, in := n.next()
		if out != 0 {
			m.out[out] = true
		}
		if in != nil {
			m.in = append(m.in, *in)
		}
	}
	if len(m.out) > 0 {
		l.drop(func(w waiting) bool { return m.out[w.seq()] })
	}
	for _, w := range m.in {
		l.push(w)
	}
}

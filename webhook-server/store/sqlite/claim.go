package sqlite

import "github.com/d1gateway/d1gateway/webhook-server/store"

// claim hands out up to limit due notifications of the lane, oldest due first.
func (q *queue) claim(laneName string, now, until int64, limit int) []*claim {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endLeases(now)
	l := q.lanes[laneName]
	if l == nil {
		return nil
	}
	var claims []*claim
	for len(claims) < limit && l.isDue(now) {
		claims = append(claims, q.hold(laneName, l, l.ready.pop(), until))
	}
	return claims
}

// hold makes a claim of what has been taken out of the lane's heaps.
func (q *queue) hold(laneName string, l *lane, w waiting, until int64) *claim {
	q.lastLease++
	c := &claim{waiting: w, lane: laneName, lease: q.lastLease, until: until}
	q.claims[c.lease] = c
	q.ends.push(leaseEnd{until: until, lease: c.lease})
	l.claimed++
	q.held(laneName, w)
	return c
}

// endLeases gives back every claim whose lease is over at now.
func (q *queue) endLeases(now int64) {
	for len(q.ends) > 0 {
		c := q.claims[q.ends[0].lease]
		if c != nil && c.until > now {
			return
		}
		q.ends.pop()
		switch {
		case c == nil: // recorded or released before its lease ended
		case c.recording:
			c.ended = true // whether it goes back depends on the commit
		default:
			q.giveBack(c)
		}
	}
}

func (q *queue) giveBack(c *claim) {
	delete(q.claims, c.lease)
	q.lane(c.lane).claimed--
	q.offer(c.lane, c.waiting)
}

// release ends a claim as if it had never been.
func (q *queue) release(id string, lease int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.claims[lease]
	if c == nil || c.id != id || c.recording {
		return store.ErrLeaseLost
	}
	q.giveBack(c)
	return nil
}

// releaseAll ends claims that never reached a worker.
func (q *queue) releaseAll(claims []*claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range claims {
		if q.claims[c.lease] == c {
			q.giveBack(c)
		}
	}
}

// know tells a claim what its row holds.
func (q *queue) know(c *claim, r *row) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c.id, c.made, c.lastAttempt, c.history = r.ID, r.Attempts, r.lastAttempt, append([]byte{}, r.history...) // never nil, which would be NULL
}

// startRecording holds the claim fast while its outcome is being committed.
func (q *queue) startRecording(id string, lease, at int64) (*claim, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endLeases(at)
	c := q.claims[lease]
	if c == nil || c.id != id || c.recording {
		return nil, store.ErrLeaseLost
	}
	c.recording = true
	return c, nil
}

// recorded ends a claim whose outcome is durable.
func (q *queue) recorded(c *claim, state store.State, attempts int, nextAttempt int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.claims, c.lease)
	l := q.lane(c.lane)
	l.claimed--
	switch state {
	case store.Waiting:
		q.offer(c.lane, newWaiting(c.seq(), c.received, nextAttempt, attempts))
	case store.Dead:
		l.dead++
		q.settled(c.lane, c.seq())
	case store.Delivered:
		q.settled(c.lane, c.seq())
	}
	q.forgetIfEmpty(c.lane)
}

// notRecorded goes back to how it was: the worker may try again to record while the lease lasts.
func (q *queue) notRecorded(c *claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c.recording = false
	if c.ended {
		q.giveBack(c)
	}
}

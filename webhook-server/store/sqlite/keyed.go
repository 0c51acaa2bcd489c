package sqlite

import (
	"slices"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// keyed is what the queue knows besides of a waiting notification that is Ordered or has Merge. Others have none: they cost no memory.
type keyed struct {
	id, updateType string
	token          token
	ordered, merge bool
}

// token is a merchant's token: another merchant of the lane may have one with the same id.
type token struct{ merchantID, tokenID string }

func tokenOf(n *store.Notification) token { return token{n.MerchantID, n.TokenID} }

// mergeKey is what notifications that may be merged have in common.
type mergeKey struct {
	lane       string
	token      token
	updateType string
}

// offer puts what nobody holds to where claims find it, or into its place in the line of its token.
func (q *queue) offer(laneName string, w waiting) {
	l := q.lane(laneName)
	k, isKeyed := q.keyed[w.seq()]
	if !isKeyed {
		l.push(w)
		return
	}
	q.offerMerge(laneName, w, k)
	if !k.ordered {
		l.push(w)
		return
	}
	n := l.line(k.token)
	n.set(w, false)
	l.advanceLine(n)
}

// advanceLine lets claims find the first of the line.
func (l *lane) advanceLine(n *line) {
	out, in := n.next()
	if out != 0 {
		l.drop(func(w waiting) bool { return w.seq() == out })
	}
	if in != nil {
		l.push(*in)
	}
}

// offerMerge lets later ones be merged into w, unless it has been attempted.
func (q *queue) offerMerge(laneName string, w waiting, k keyed) {
	if k.merge && w.attempts() == 0 {
		key := mergeKey{laneName, k.token, k.updateType}
		q.merges[key] = append(q.merges[key], w.seq())
	}
}

// endMerge lets none be merged into it any more.
func (q *queue) endMerge(laneName string, seq int64, k keyed) {
	key := mergeKey{laneName, k.token, k.updateType}
	left := slices.DeleteFunc(q.merges[key], func(s int64) bool { return s == seq })
	if len(left) == 0 {
		delete(q.merges, key)
		return
	}
	q.merges[key] = left
}

// held notes that w has been claimed.
func (q *queue) held(laneName string, w waiting) {
	k, isKeyed := q.keyed[w.seq()]
	if !isKeyed {
		return
	}
	if k.merge {
		q.endMerge(laneName, w.seq(), k)
	}
	if k.ordered {
		q.lane(laneName).line(k.token).set(w, true)
	}
}

// settled forgets what waits no longer, and lets claims find the one behind it.
func (q *queue) settled(laneName string, seq int64) {
	k, isKeyed := q.keyed[seq]
	if !isKeyed {
		return
	}
	delete(q.keyed, seq)
	if !k.ordered {
		return
	}
	l := q.lane(laneName)
	n := l.line(k.token)
	n.leave(seq)
	if len(n.members) == 0 {
		delete(l.lines, k.token)
		return
	}
	l.advanceLine(n)
}

// mergeInto answers the id of the notification that one with the key may be merged into, or "". Nobody has it at this moment, so whoever claims it later
// tells the destination of both.
func (q *queue) mergeInto(key mergeKey) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if seqs := q.merges[key]; len(seqs) > 0 {
		return q.keyed[seqs[0]].id
	}
	return ""
}

package sqlite

import (
	"cmp"
	"slices"
)

// line is the waiting Ordered notifications of one token in one lane, in order of acceptance. Claims find its first only.
type line struct {
	members []member
	offered int64 // the seq of the one in the lane's heaps; 0: none
}

// member is one of a line.
type member struct {
	waiting
	claimed bool
}

// line answers the token's line, which begins when there is none.
func (l *lane) line(of token) *line {
	n := l.lines[of]
	if n == nil {
		if l.lines == nil {
			l.lines = map[token]*line{}
		}
		n = &line{}
		l.lines[of] = n
	}
	return n
}

func (n *line) place(seq int64) (int, bool) {
	return slices.BinarySearchFunc(n.members, seq, func(m member, seq int64) int { return cmp.Compare(m.seq(), seq) })
}

// set puts w into its place, or in place of what is known of it.
func (n *line) set(w waiting, claimed bool) {
	i, found := n.place(w.seq())
	if !found {
		n.members = slices.Insert(n.members, i, member{})
	}
	n.members[i] = member{waiting: w, claimed: claimed}
	if n.offered == w.seq() && claimed {
		n.offered = 0
	}
}

// leave removes what waits no longer.
func (n *line) leave(seq int64) {
	if i, found := n.place(seq); found {
		n.members = slices.Delete(n.members, i, i+1)
	}
}

// next says what has to change so that claims find the first of the line and no other: out, when not 0, is the seq of the one that has to leave the heaps,
// and in, when not nil, the one that has to enter them. Only a replay sends one out: of a notification accepted before it.
func (n *line) next() (out int64, in *waiting) {
	if len(n.members) == 0 || n.members[0].seq() == n.offered {
		return 0, nil
	}
	out, n.offered = n.offered, 0
	if first := n.members[0]; !first.claimed {
		n.offered, in = first.seq(), &first.waiting
	}
	return out, in
}

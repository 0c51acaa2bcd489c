package admin

import (
	"net/netip"
	"time"
)

// What fuzzers and tests of bounds need to reach.

// FuzzedQuery reads the parameters of a list.
func FuzzedQuery(query string) (namespace, lane string, from, until time.Time, limit int, err error) {
	c, err := parseQuery(query)
	return c.Namespace, c.Lane, c.ReceivedFrom, c.ReceivedUntil, c.Limit, err
}

// FuzzedReplay reads a request to replay.
func FuzzedReplay(body []byte, now time.Time) (state string, named int, all, dryRun bool, confirm int, at time.Time, err error) {
	q, err := parseReplay(body, now)
	return string(q.State), len(q.named), q.all, q.dryRun, q.confirm, q.at, err
}

// FuzzedTarget reads what is paused.
func FuzzedTarget(body []byte) (lane string, whole bool, reason string, err error) {
	t, err := parseTarget(body, true)
	return t.lane, t.whole, t.reason, err
}

// RememberedAnswers says how many of n different answers are held.
func RememberedAnswers(size, n int) (held int, newest bool) {
	a, now := newAnswers(size), time.Unix(0, 0)
	var last digest
	for i := range n {
		last = digestOf(string(rune(i)))
		a.put(last, Caller{}, now.Add(time.Hour))
	}
	_, newest = a.get(last, now)
	return len(a.younger) + len(a.older), newest
}

// RememberedFailures says how many of n sources that failed are held.
func RememberedFailures(size, n int) int {
	f := newFailures(size)
	for i := range n {
		f.add(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), time.Unix(0, 0))
	}
	return len(f.younger) + len(f.older)
}

// Source is how an address is counted.
func Source(remote string) netip.Addr { return sourceOf(remote) }

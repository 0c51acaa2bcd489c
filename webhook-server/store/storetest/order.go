package storetest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var orderTests = []conformanceTest{
	{"only the first of a token is handed out, whatever the limit", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1), ordered(3, "tok", 2))
		first := f.claimOne(laneA, after(10))
		if first.ID != "msg_000001" {
			f.Errorf("claimed %s", first.ID)
		}
		f.wantClaimed(laneA, after(10))
		f.delivered(first, after(11))
		f.delivered(f.claimNamed(laneA, after(11), "msg_000002"), after(12))
		f.delivered(f.claimNamed(laneA, after(12), "msg_000003"), after(13))
	}},
	{"a claimed one holds up the next until its outcome, and again while its lease is over", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1))
		f.claimNamed(laneA, after(1), "msg_000001")
		f.wantClaimed(laneA, after(60))
		f.delivered(f.claimNamed(laneA, after(61), "msg_000001"), after(62))
		f.claimNamed(laneA, after(62), "msg_000002")
	}},
	{"a released one holds up the next", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1))
		f.release(f.claimNamed(laneA, after(1), "msg_000001"))
		f.claimNamed(laneA, after(1), "msg_000001")
	}},
	{"the next waits through all attempts of the one before", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1))
		for i := 0; i < 50; i += 10 {
			f.retry(f.claimNamed(laneA, after(i), "msg_000001"), after(i+1), after(i+10))
			f.wantClaimed(laneA, after(i+9))
			if due := f.dueLanes(after(i + 9)); len(due) != 0 {
				f.Errorf("due lanes %v, and nothing can be claimed", due)
			}
		}
		f.wantNextDue(after(49), after(50))
		f.delivered(f.claimNamed(laneA, after(50), "msg_000001"), after(51))
		if due := f.dueLanes(after(51)); !slices.Equal(due, []string{laneA}) {
			f.Errorf("due lanes %v once nothing holds it up", due)
		}
		f.claimNamed(laneA, after(51), "msg_000002")
	}},
	{"one that came while the one before was being attempted waits for it too", func(f *fixture) {
		f.append(ordered(1, "tok", 0))
		first := f.claimNamed(laneA, start(), "msg_000001")
		f.append(ordered(2, "tok", 1))
		f.wantClaimed(laneA, after(2))
		f.retry(first, after(3), after(10))
		f.wantClaimed(laneA, after(9))
		f.dead(f.claimNamed(laneA, after(10), "msg_000001"), after(11))
		f.claimNamed(laneA, after(11), "msg_000002")
	}},
	{"a dead one frees the next", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1))
		f.dead(f.claimNamed(laneA, after(1), "msg_000001"), after(2))
		f.claimNamed(laneA, after(2), "msg_000002")
	}},
	{"one that is held up has no instant of its own, and its lane is not due", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1))
		first := f.claimNamed(laneA, after(1), "msg_000001")
		f.wantClaimed(laneA, after(1))
		if due := f.dueLanes(after(1)); len(due) != 0 {
			f.Errorf("due lanes %v", due)
		}
		f.wantNextDue(after(1), after(61))
		f.delivered(first, after(2))
		f.wantNextDue(after(2), time.Time{})
		f.dead(f.claimNamed(laneA, after(2), "msg_000002"), after(3))
		f.wantNextDue(after(3), time.Time{})
	}},
	{"one that is held up waits, and its record names no far instant", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1))
		f.claimNamed(laneA, after(1), "msg_000001")
		f.wantClaimed(laneA, after(2))
		got := f.get("msg_000002")
		if got.State != store.Waiting || got.NextAttempt.Before(after(1)) || got.NextAttempt.After(after(2)) {
			f.Errorf("%s, next attempt at %s", got.State, got.NextAttempt)
		}
		f.wantLanes(store.LaneStats{Lane: laneA, Waiting: 2, OldestWaiting: start()})
	}},
	{"two tokens, and the same token of another lane or merchant, do not wait for each other", func(f *fixture) {
		other, merchants := ordered(4, "tok", 0), ordered(5, "tok", 0)
		other.Lane, merchants.MerchantID = laneB, "40010000002"
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 0), ordered(3, "other", 0), other, merchants)
		f.wantClaimed(laneA, after(1), "msg_000001", "msg_000003", "msg_000005")
		f.wantClaimed(laneB, after(1), "msg_000004")
	}},
	{"one that is not ordered neither waits nor is waited for", func(f *fixture) {
		loose := func(number int) store.Notification {
			n := ordered(number, "tok", 0)
			n.Ordered = false
			return n
		}
		f.append(loose(1), ordered(2, "tok", 0), loose(3), ordered(4, "tok", 0), loose(5))
		f.wantClaimed(laneA, after(1), "msg_000001", "msg_000002", "msg_000003", "msg_000005")
	}},
	{"many that are held up hide none behind them", func(f *fixture) {
		for i := range 40 {
			f.append(ordered(i, "tok", 0))
		}
		f.append(ordered(40, "other", 1), notification(41, laneA, 2))
		f.claimNamedFirst(after(3), "msg_000000")
		got := slices.Concat(ids(f.claim(laneA, after(3), 1)), ids(f.claim(laneA, after(3), 1)))
		if slices.Sort(got); !slices.Equal(got, []string{"msg_000040", "msg_000041"}) {
			f.Errorf("claimed %v one by one", got)
		}
	}},
	{"after a replay of an earlier one the later waits for it again", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1))
		f.dead(f.claimNamed(laneA, after(1), "msg_000001"), after(2))
		f.retry(f.claimNamed(laneA, after(2), "msg_000002"), after(3), after(10))
		f.wantReplayed(store.Filter{ID: "msg_000001"}, after(5), 10, 1)
		again := f.claimNamed(laneA, after(10), "msg_000001")
		f.wantClaimed(laneA, after(11))
		f.delivered(again, after(12))
		f.claimNamed(laneA, after(12), "msg_000002")
	}},
	{"the order lasts over a restart", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 0), ordered(3, "tok", 0))
		f.delivered(f.claimNamed(laneA, start(), "msg_000001"), after(1))
		f.retry(f.claimNamed(laneA, after(1), "msg_000002"), after(2), after(10))
		f.reopen()
		f.wantClaimed(laneA, after(9))
		f.append(ordered(4, "tok", 0))
		f.delivered(f.claimNamed(laneA, after(10), "msg_000002"), after(11))
		f.delivered(f.claimNamed(laneA, after(11), "msg_000003"), after(12))
		f.claimNamed(laneA, after(12), "msg_000004")
	}},
	{"a probe is the first of its token too", func(f *fixture) {
		f.append(ordered(1, "tok", 5), ordered(2, "tok", 1), ordered(3, "tok", 0))
		d := f.wantProbe(laneA, after(10), "msg_000001")
		f.wantProbe(laneA, after(10), "")
		f.delivered(*d, after(11))
		f.wantProbe(laneA, after(11), "msg_000002")
	}},
	{"8 workers never hold two of one token, and deliver each token's in order", func(f *fixture) {
		const tokens, each, workers = 9, 20, 8
		for i := range tokens * each {
			f.append(ordered(i, tokenName(i%tokens), 0))
		}
		w := newOrderWatch(tokens * each)
		var all sync.WaitGroup
		for range workers {
			all.Go(func() { w.deliverAll(f, f.Store) })
		}
		all.Wait()
	}},
}

// ordered is an Ordered notification of the token.
func ordered(number int, token string, seconds int) store.Notification {
	n := notification(number, laneA, seconds)
	n.TokenID, n.Ordered = token, true
	return n
}

func tokenName(i int) string { return "tok_" + "abcdefghijklmnopqrstuvwxyz"[i:i+1] }

// claimNamed claims what is due and expects only this one.
func (f *fixture) claimNamed(lane string, now time.Time, id string) store.Delivery {
	f.Helper()
	d := f.claimOne(lane, now)
	if d.ID != id {
		f.Fatalf("claimed %s, want %s", d.ID, id)
	}
	return d
}

// orderWatch looks on while workers deliver ordered notifications, whose ids grow in the order they were accepted.
type orderWatch struct {
	left atomic.Int64

	mu   sync.Mutex
	held map[string]bool
	last map[string]string
}

func newOrderWatch(count int) *orderWatch {
	w := &orderWatch{held: map[string]bool{}, last: map[string]string{}}
	w.left.Store(int64(count))
	return w
}

// deliverAll claims and delivers until nothing is left.
func (w *orderWatch) deliverAll(f *fixture, s store.Store) {
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	for w.left.Load() > 0 && !f.Failed() {
		claimed, err := s.Claim(ctx, laneA, after(1), 3, time.Minute)
		if err != nil {
			f.Errorf("claiming: %v", err)
		}
		for _, d := range claimed {
			w.take(f, d)
		}
		for _, d := range claimed {
			w.end(d)
			if err := s.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: after(2)}); err != nil {
				f.Errorf("recording: %v", err)
			}
		}
	}
}

func (w *orderWatch) take(f *fixture, d store.Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[d.TokenID] {
		f.Errorf("%s was handed out while another of its token was held", d.ID)
	}
	if d.ID <= w.last[d.TokenID] {
		f.Errorf("%s was handed out after %s", d.ID, w.last[d.TokenID])
	}
	w.held[d.TokenID], w.last[d.TokenID] = true, d.ID
}

// end is called before the outcome is recorded: from then on another may have the token's next.
func (w *orderWatch) end(d store.Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[d.TokenID] = false
	w.left.Add(-1)
}

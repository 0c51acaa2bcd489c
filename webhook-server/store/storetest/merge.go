package storetest

import (
	"sync"
	"sync/atomic"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var mergeTests = []conformanceTest{
	{"a repeat is merged into the one that waits, which is delivered as it was", func(f *fixture) {
		first := repeat(1, 0)
		f.append(first)
		f.appendAs("msg_000001", repeat(2, 1))
		f.appendAs("msg_000001", repeat(3, 2))
		if got := f.claimOne(laneA, after(3)); got.Notification != first {
			f.Errorf("claimed %+v, want %+v", got.Notification, first)
		}
		f.wantNotFound("msg_000002", "msg_000003")
		f.wantLanes(store.LaneStats{Lane: laneA, Waiting: 1, OldestWaiting: start()})
	}},
	{"another merchant, token, type or lane is no repeat", func(f *fixture) {
		f.append(repeat(1, 0))
		for i, change := range []func(n *store.Notification){
			func(n *store.Notification) { n.MerchantID = "40010000002" },
			func(n *store.Notification) { n.TokenID = "tok_other" },
			func(n *store.Notification) { n.UpdateType = "OTHER" },
			func(n *store.Notification) { n.Lane = laneB },
		} {
			n := repeat(2+i, 1)
			change(&n)
			f.append(n)
		}
	}},
	{"another correlation id is a repeat all the same", func(f *fixture) {
		f.append(repeat(1, 0))
		n := repeat(2, 1)
		n.CorrelationID = "another"
		f.appendAs("msg_000001", n)
	}},
	{"unless both are to be merged neither is", func(f *fixture) {
		single := func(number int, token string) store.Notification {
			n := repeat(number, 0)
			n.TokenID, n.Merge = token, false
			return n
		}
		both := func(number int, token string) store.Notification {
			n := single(number, token)
			n.Merge = true
			return n
		}
		f.append(single(1, "tok_a"), both(2, "tok_a"), both(3, "tok_b"), single(4, "tok_b"), single(5, "tok_c"), single(6, "tok_c"))
		f.appendAs("msg_000002", both(7, "tok_a"))
		f.appendAs("msg_000003", both(8, "tok_b"))
	}},
	{"never into one that is claimed", func(f *fixture) {
		f.append(repeat(1, 0))
		f.claimOne(laneA, start())
		f.append(repeat(2, 1))
		f.appendAs("msg_000002", repeat(3, 2))
	}},
	{"never into one that a probe has claimed", func(f *fixture) {
		f.append(repeat(1, 0))
		f.wantProbe(laneA, start(), "msg_000001")
		f.append(repeat(2, 1))
	}},
	{"never into one that has been attempted", func(f *fixture) {
		f.append(repeat(1, 0))
		f.retry(f.claimOne(laneA, start()), after(1), after(10))
		f.append(repeat(2, 2))
		f.appendAs("msg_000002", repeat(3, 3))
		f.wantClaimed(laneA, after(10), "msg_000001", "msg_000002")
	}},
	{"never into one that is delivered or dead", func(f *fixture) {
		f.append(repeat(1, 0))
		f.delivered(f.claimOne(laneA, start()), after(1))
		f.append(repeat(2, 2))
		f.dead(f.claimOne(laneA, after(2)), after(3))
		f.append(repeat(3, 4))
	}},
	{"into one whose claim was released: nothing was attempted", func(f *fixture) {
		f.append(repeat(1, 0))
		f.release(f.claimOne(laneA, start()))
		f.appendAs("msg_000001", repeat(2, 1))
	}},
	{"into one whose outcome was not counted: it was no attempt", func(f *fixture) {
		f.append(repeat(1, 0))
		f.uncounted(f.claimOne(laneA, start()), after(1), after(10))
		f.appendAs("msg_000001", repeat(2, 2))
	}},
	{"into one that was replayed, until it is attempted again", func(f *fixture) {
		f.append(repeat(1, 0))
		f.dead(f.claimOne(laneA, start()), after(1))
		f.wantReplayed(store.Filter{}, after(2), 10, 1)
		f.appendAs("msg_000001", repeat(2, 3))
		d := f.claimOne(laneA, after(4))
		f.append(repeat(3, 4))
		f.retry(d, after(5), after(10))
		f.appendAs("msg_000003", repeat(4, 6))
	}},
	{"into one of before a restart, but not if that had been attempted", func(f *fixture) {
		other := func(number, seconds int) store.Notification {
			n := repeat(number, seconds)
			n.TokenID = "tok_other"
			return n
		}
		f.append(other(1, 0))
		f.retry(f.claimOne(laneA, start()), after(1), after(10))
		f.append(repeat(2, 2))
		f.reopen()
		f.appendAs("msg_000002", repeat(3, 3))
		f.append(other(4, 3))
	}},
	{"while 16 append and 4 deliver: whoever was merged is told of by an attempt that began later", func(f *fixture) {
		newMergeWatch().run(f, []store.Store{f.Store})
	}},
}

// repeat is one of the same update, to be merged.
func repeat(number, seconds int) store.Notification {
	n := notification(number, laneA, seconds)
	n.TokenID, n.Merge = "tok", true
	return n
}

// mergeWatch notes on a clock of its own when appends began and when claims were answered. An attempt begins after its claim is answered, so
// each update needs a claim, of the id that its append answered, that was answered after the append began.
type mergeWatch struct {
	clock atomic.Int64

	mu      sync.Mutex
	began   map[string]int64 // when the last append began that was answered this id
	claimed map[string]int64 // when this id was last claimed
	merged  int

	many   chan struct{} // closed when many have been merged
	enough sync.Once
}

func newMergeWatch() *mergeWatch {
	return &mergeWatch{began: map[string]int64{}, claimed: map[string]int64{}, many: make(chan struct{})}
}

// run appends and delivers through the handles, which have the same store open.
func (w *mergeWatch) run(f *fixture, handles []store.Store) {
	const producers, each, workers, tokens = 16, 60, 4, 3
	var appending, delivering sync.WaitGroup
	var ended atomic.Bool
	for i := range tokens {
		n := repeat(producers*each+i, 0)
		n.TokenID = tokenName(i)
		w.append(f, handles[0], n)
	}
	for p := range producers {
		appending.Go(func() {
			for i := range each {
				n := repeat(p*each+i, 0)
				n.TokenID = tokenName(i % tokens)
				w.append(f, handles[p%len(handles)], n)
			}
		})
	}
	for i := range workers {
		delivering.Go(func() {
			<-w.many // until then every append is merged
			for !ended.Load() && !f.Failed() {
				w.deliver(f, handles[i%len(handles)])
			}
		})
	}
	appending.Wait()
	w.enough.Do(func() { close(w.many) }) // if they failed
	ended.Store(true)
	delivering.Wait()
	for w.deliver(f, handles[0]) > 0 && !f.Failed() {
	}
	w.check(f)
}

func (w *mergeWatch) append(f *fixture, s store.Store, n store.Notification) {
	began := w.clock.Add(1)
	id, err := s.Append(f.Context(), n)
	if err != nil {
		f.Errorf("appending %s: %v", n.ID, err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began[id] = max(w.began[id], began)
	if id == n.ID {
		return
	}
	if w.merged++; w.merged >= 100 {
		w.enough.Do(func() { close(w.many) })
	}
}

// deliver claims and records what it got, and says how many that were.
func (w *mergeWatch) deliver(f *fixture, s store.Store) int {
	claimed, err := s.Claim(f.Context(), laneA, after(1), 2, minute)
	if err != nil {
		f.Errorf("claiming: %v", err)
	}
	w.note(claimed)
	for _, d := range claimed {
		if err := s.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: after(2)}); err != nil {
			f.Errorf("recording: %v", err)
		}
	}
	return len(claimed)
}

func (w *mergeWatch) note(claimed []store.Delivery) {
	answered := w.clock.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range claimed {
		w.claimed[d.ID] = answered
	}
}

func (w *mergeWatch) check(f *fixture) {
	for id, began := range w.began {
		if w.claimed[id] < began {
			f.Errorf("an append that began at %d was merged into %s, which was last claimed at %d", began, id, w.claimed[id])
		}
	}
	if w.merged == 0 {
		f.Error("nothing was merged")
	}
	f.wantLanes()
}

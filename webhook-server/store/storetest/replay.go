package storetest

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var replayTests = []conformanceTest{
	{"a dead one waits again and is due, with its id and history and a schedule of its own", func(f *fixture) {
		n := notification(1, laneA, 0)
		f.append(n)
		f.retry(f.claimOne(laneA, start()), after(1), after(2))
		f.dead(f.claimOne(laneA, after(2)), after(3))
		f.wantReplayed(store.Filter{State: store.Dead}, after(10), 10, 1)
		f.wantRecord(store.Record{
			Notification: n, State: store.Waiting, LastReason: "gone", LastAttempt: after(3), NextAttempt: after(10), ReplayedAt: after(10),
			History: []store.Attempt{{EndedAt: after(1), Took: took, Reason: "timeout"}, {EndedAt: after(3), Took: took, Reason: "gone"}},
		})
		f.wantLanes(store.LaneStats{Lane: laneA, Waiting: 1, OldestWaiting: start()})
		if got := f.dueLanes(after(10)); !slices.Equal(got, []string{laneA}) {
			f.Errorf("due lanes %v", got)
		}
		d := f.claimOne(laneA, after(10))
		if d.Notification != n || d.Attempts != 0 || !d.Since.Equal(after(10)) || !d.LastAttempt.Equal(after(3)) {
			f.Errorf("claimed %+v", d)
		}
		f.retry(d, after(11), after(12))
		if got := f.get(n.ID); got.Attempts != 1 || !got.ReplayedAt.Equal(after(10)) {
			f.Errorf("after the next attempt %+v", got)
		}
	}},
	{"a delivered one is delivered again, and may be replayed again", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		for i := 0; i < 30; i += 10 {
			f.delivered(f.claimOne(laneA, after(i)), after(i+1))
			f.wantReplayed(store.Filter{State: store.Delivered}, after(i+10), 10, 1)
			f.wantLanes(store.LaneStats{Lane: laneA, Waiting: 1, OldestWaiting: start()})
		}
		if got := len(f.get("msg_000001").History); got != 3 {
			f.Errorf("%d attempts remembered, want 3", got)
		}
	}},
	{"one that waits is due earlier, and nothing else about it changes", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.retry(f.claimOne(laneA, start()), after(1), after(1000))
		f.wantReplayed(store.Filter{Lane: laneA, State: store.Waiting, Reason: "timeout"}, after(5), 10, 1)
		f.wantNextDue(after(4), after(5))
		d := f.claimOne(laneA, after(5))
		if d.Attempts != 1 || !d.Since.Equal(start()) || !d.LastAttempt.Equal(after(1)) {
			f.Errorf("claimed %+v", d)
		}
		if got := f.get(d.ID); !got.ReplayedAt.IsZero() {
			f.Errorf("replayed at %s", got.ReplayedAt)
		}
	}},
	{"one that is due by then, or claimed, is left alone", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 1))
		d := f.claimNamedFirst(after(1), "msg_000001")
		f.wantReplayed(store.Filter{}, after(10), 10, 0)
		f.wantClaimed(laneA, after(10), "msg_000002")
		f.delivered(d, after(11))
	}},
	{"one that is claimed is left alone also by a clock that is behind", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.retry(f.claimOne(laneA, start()), after(1), after(10))
		d := f.claimOne(laneA, after(10))
		f.wantReplayed(store.Filter{}, after(5), 10, 0)
		f.wantClaimed(laneA, after(69))
		f.delivered(d, after(11))
	}},
	{"nothing twice, though what followed was no attempt", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.dead(f.claimOne(laneA, start()), after(1))
		f.wantReplayed(store.Filter{}, after(20), 10, 1)
		f.uncounted(f.claimOne(laneA, after(20)), after(21), after(100))
		f.wantReplayed(store.Filter{}, after(20), 10, 0)
		f.wantReplayed(store.Filter{}, after(30), 10, 1)
	}},
	{"one that its token's order holds up is left alone", func(f *fixture) {
		f.append(ordered(1, "tok", 0), ordered(2, "tok", 1))
		d := f.claimNamed(laneA, after(1), "msg_000001")
		f.wantClaimed(laneA, after(2))
		f.wantReplayed(store.Filter{}, after(10), 10, 0)
		f.wantClaimed(laneA, after(10))
		f.delivered(d, after(11))
		f.claimNamed(laneA, after(11), "msg_000002")
	}},
	{"what was attempted or replayed at the instant or later is left alone", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 0), notification(3, laneA, 0))
		for i, d := range f.wantClaimed(laneA, start(), "msg_000001", "msg_000002", "msg_000003") {
			switch i {
			case 0:
				f.delivered(d, after(10))
			case 1:
				f.dead(d, after(11))
			default:
				f.retry(d, after(12), after(100))
			}
		}
		f.wantReplayed(store.Filter{}, after(10), 10, 0)
		f.wantReplayed(store.Filter{}, after(11), 10, 1)
		f.wantReplayed(store.Filter{}, after(11), 10, 0)
		f.wantReplayed(store.Filter{}, after(13), 10, 2)
		f.wantReplayed(store.Filter{}, after(13), 10, 0)
	}},
	{"only what matches: by field and by time of reception", func(f *fixture) {
		for i := range 6 {
			n := notification(i, laneA, i)
			n.MerchantID = []string{"even", "odd"}[i%2]
			f.append(n)
		}
		for _, d := range f.claim(laneA, after(10), 10) {
			f.dead(d, after(11))
		}
		f.wantReplayed(store.Filter{MerchantID: "odd", ReceivedFrom: after(1), ReceivedUntil: after(5)}, after(20), 10, 2)
		f.wantClaimed(laneA, after(20), "msg_000001", "msg_000003")
		f.wantReplayed(store.Filter{MerchantID: "nobody"}, after(20), 10, 0)
		f.wantLanes(store.LaneStats{Lane: laneA, Waiting: 2, OldestWaiting: after(1), Dead: 4})
	}},
	{"up to the limit, the oldest received first, and on with the same arguments", func(f *fixture) {
		for i := range 5 {
			f.append(notification(i, laneA, i))
		}
		for _, d := range f.claim(laneA, after(10), 10) {
			f.dead(d, after(11))
		}
		filter := store.Filter{State: store.Dead, After: "msg_000003", Limit: 1} // a page means nothing here
		f.wantReplayed(filter, after(20), 0, 0)
		f.wantReplayed(filter, after(20), 2, 2)
		f.delivered(f.wantClaimed(laneA, after(20), "msg_000000", "msg_000001")[0], after(21))
		f.wantReplayed(filter, after(20), 2, 2)
		f.wantClaimed(laneA, after(20), "msg_000002", "msg_000003")
		f.wantReplayed(filter, after(20), 2, 1)
		f.wantReplayed(filter, after(20), 2, 0)
	}},
	{"nothing twice, though it is delivered between two calls", func(f *fixture) {
		const many = 30
		f.appendMany(many, laneA)
		for _, d := range f.claim(laneA, after(10), many) {
			f.delivered(d, after(11))
		}
		replayed := 0
		for {
			n := f.replay(store.Filter{}, after(20), 7)
			for _, d := range f.claim(laneA, after(21), many) {
				f.delivered(d, after(22))
			}
			if replayed += n; n < 7 {
				break
			}
		}
		if replayed != many {
			f.Errorf("replayed %d, want %d", replayed, many)
		}
	}},
	{"many at once, of all rows", func(f *fixture) {
		const many = 1300
		f.appendMany(many, laneA)
		for claimed := f.claim(laneA, after(10), 500); len(claimed) > 0; claimed = f.claim(laneA, after(10), 500) {
			f.recordAll(claimed, store.Dead, after(11))
		}
		f.wantLanes(store.LaneStats{Lane: laneA, Dead: many})
		f.wantReplayed(store.Filter{}, after(20), 1250, 1250)
		f.wantReplayed(store.Filter{}, after(20), 1250, 50)
		f.wantLanes(store.LaneStats{Lane: laneA, Waiting: many, OldestWaiting: start()})
		f.wantCount(store.Filter{State: store.Dead}, 0)
	}},
	{"it survives a restart, and is not pruned", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.dead(f.claimOne(laneA, start()), after(1))
		f.wantReplayed(store.Filter{}, after(2), 10, 1)
		f.reopen()
		if got := f.prune(store.Dead, after(1000), 10); got != 0 {
			f.Errorf("pruned %d", got)
		}
		if d := f.claimOne(laneA, after(2)); d.Attempts != 0 || !d.Since.Equal(after(2)) {
			f.Errorf("claimed %+v", d)
		}
	}},
	{"while 4 deliver and 4 replay the same: each is replayed once and delivered twice", func(f *fixture) {
		f.replayConcurrently([]store.Store{f.Store})
	}},
}

// replayConcurrently replays a few hundred delivered ones through the handles while they are delivered again.
func (f *fixture) replayConcurrently(handles []store.Store) {
	const many, each = 300, 4
	f.appendMany(many, laneA)
	f.recordAll(f.claim(laneA, after(10), many), store.Delivered, after(11))
	var replayed, delivered atomic.Int64
	var ended atomic.Bool
	var replaying, delivering sync.WaitGroup
	for i := range each {
		replaying.Go(func() {
			const step = 20
			for n := step; n == step && !f.Failed(); replayed.Add(int64(n)) {
				var err error
				if n, err = handles[i%len(handles)].Replay(f.Context(), store.Filter{}, after(20), step); err != nil {
					f.Errorf("replaying: %v", err)
				}
			}
		})
		delivering.Go(func() {
			for last, n := false, 1; !last || n > 0; delivered.Add(int64(n)) {
				last = ended.Load()
				n = f.deliverOnce(handles[i%len(handles)], after(21), after(22))
			}
		})
	}
	replaying.Wait()
	ended.Store(true)
	delivering.Wait()
	if replayed.Load() != many || delivered.Load() != many {
		f.Errorf("%d replayed and %d delivered again, want %d", replayed.Load(), delivered.Load(), many)
	}
	f.wantReplayed(store.Filter{}, after(20), many, 0)
	f.wantLanes()
}

// deliverOnce claims and delivers some of lane A, and says how many.
func (f *fixture) deliverOnce(s store.Store, now, at time.Time) int {
	claimed, err := s.Claim(f.Context(), laneA, now, 5, minute)
	if err != nil {
		f.Errorf("claiming: %v", err)
	}
	for _, d := range claimed {
		if err := s.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: at}); err != nil {
			f.Errorf("recording: %v", err)
		}
	}
	return len(claimed)
}

// recordAll records the final state for all of them, 32 at once.
func (f *fixture) recordAll(claimed []store.Delivery, state store.State, at time.Time) {
	f.Helper()
	for group := range slices.Chunk(claimed, 32) {
		var all sync.WaitGroup
		for _, d := range group {
			all.Go(func() {
				if err := f.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: state, At: at}); err != nil {
					f.Errorf("recording: %v", err)
				}
			})
		}
		all.Wait()
	}
}

func (f *fixture) replay(filter store.Filter, at time.Time, limit int) int {
	f.Helper()
	n, err := f.Replay(f.Context(), filter, at, limit)
	if err != nil {
		f.Fatalf("replaying %+v: %v", filter, err)
	}
	return n
}

func (f *fixture) wantReplayed(filter store.Filter, at time.Time, limit, want int) {
	f.Helper()
	if got := f.replay(filter, at, limit); got != want {
		f.Errorf("replayed %d of %+v, want %d", got, filter, want)
	}
}

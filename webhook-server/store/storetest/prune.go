package storetest

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var pruneTests = []conformanceTest{
	{"only the state named, only before the instant, oldest attempt first", func(f *fixture) {
		for i := range 6 {
			f.append(notification(i, laneA, 0))
			d := f.claimOne(laneA, after(i))
			if i == 5 {
				f.dead(d, after(1))
			} else {
				f.delivered(d, after(50-10*i))
			}
		}
		f.append(notification(6, laneA, 0))
		if got := f.prune(store.Delivered, after(40), 2); got != 2 {
			f.Errorf("pruned %d, want 2", got)
		}
		f.wantLeft("msg_000000", "msg_000001", "msg_000002", "msg_000005", "msg_000006")
		if got := f.prune(store.Delivered, after(40), 100); got != 1 {
			f.Errorf("pruned %d, want 1: attempts ended at 40 and 50 stay", got)
		}
	}},
	{"many at once", func(f *fixture) {
		f.appendMany(700, laneA)
		f.recordAll(f.claim(laneA, after(10), 700), store.Delivered, after(11))
		if got := f.prune(store.Delivered, after(12), 650); got != 650 {
			f.Errorf("pruned %d, want 650", got)
		}
		if got := f.prune(store.Delivered, after(12), 650); got != 50 {
			f.Errorf("pruned %d, want 50", got)
		}
	}},
	{"what waits is never pruned", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		if n, err := f.Prune(f.Context(), store.Waiting, after(1000), 10); err == nil || n != 0 {
			f.Errorf("pruning what waits: %d, %v", n, err)
		}
		if n, err := f.PruneBeyond(f.Context(), store.Waiting, 0, 10); err == nil || n != 0 {
			f.Errorf("pruning what waits beyond none: %d, %v", n, err)
		}
		f.claimOne(laneA, start())
	}},
	{"beyond so many: those whose last attempt ended first, and only of the state named", func(f *fixture) {
		for i := range 7 {
			f.append(notification(i, laneA, 0))
			d := f.claimOne(laneA, after(i))
			if i >= 5 {
				f.dead(d, after(7))
				continue
			}
			f.delivered(d, after(50-10*i)) // the last one ended first
		}
		f.append(notification(7, laneA, 0))
		f.wantPrunedBeyond(store.Delivered, 5, 100, 0)
		f.wantPrunedBeyond(store.Delivered, 2, 1, 1)
		f.wantLeft("msg_000000", "msg_000001", "msg_000002", "msg_000003", "msg_000005", "msg_000006", "msg_000007")
		f.wantPrunedBeyond(store.Delivered, 2, 100, 2)
		f.wantLeft("msg_000000", "msg_000001", "msg_000005", "msg_000006", "msg_000007")
		f.wantPrunedBeyond(store.Dead, 0, 100, 2)
		f.wantPrunedBeyond(store.Dead, 0, 100, 0)
		f.wantLeft("msg_000000", "msg_000001", "msg_000007")
		f.wantLanes(store.LaneStats{Lane: laneA, Waiting: 1, OldestWaiting: start()})
	}},
	{"many beyond so many", func(f *fixture) {
		f.appendMany(700, laneA)
		f.recordAll(f.claim(laneA, after(10), 700), store.Delivered, after(11))
		f.wantPrunedBeyond(store.Delivered, 30, 650, 650)
		f.wantPrunedBeyond(store.Delivered, 30, 650, 20)
		f.wantPrunedBeyond(store.Delivered, 30, 650, 0)
		f.wantCount(store.Filter{State: store.Delivered}, 30)
	}},
}

func (f *fixture) wantPrunedBeyond(state store.State, keep, limit, want int) {
	f.Helper()
	if got, err := f.PruneBeyond(f.Context(), state, keep, limit); err != nil || got != want {
		f.Errorf("pruned %d beyond %d, %v; want %d", got, keep, err, want)
	}
}

// wantLeft expects these and no others in the store.
func (f *fixture) wantLeft(want ...string) {
	f.Helper()
	got := f.list(store.Filter{})
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.Errorf("left %v, want %v", got, want)
	}
}

func (f *fixture) prune(state store.State, before time.Time, limit int) int {
	f.Helper()
	n, err := f.Prune(f.Context(), state, before, limit)
	if err != nil {
		f.Fatalf("pruning: %v", err)
	}
	return n
}

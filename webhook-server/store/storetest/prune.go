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
		want := []string{"msg_000000", "msg_000001", "msg_000002", "msg_000005", "msg_000006"}
		got := f.list(store.Filter{})
		slices.Sort(got)
		if !slices.Equal(got, want) {
			f.Errorf("left %v, want %v", got, want)
		}
		if got := f.prune(store.Delivered, after(40), 100); got != 1 {
			f.Errorf("pruned %d, want 1: attempts ended at 40 and 50 stay", got)
		}
	}},
	{"many at once", func(f *fixture) {
		f.appendMany(700, laneA)
		for _, d := range f.claim(laneA, after(10), 700) {
			f.delivered(d, after(11))
		}
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
		f.claimOne(laneA, start())
	}},
}

func (f *fixture) prune(state store.State, before time.Time, limit int) int {
	f.Helper()
	n, err := f.Prune(f.Context(), state, before, limit)
	if err != nil {
		f.Fatalf("pruning: %v", err)
	}
	return n
}

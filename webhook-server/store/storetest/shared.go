package storetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// SharedPlace is a Place for an engine that several replicas share: open may be called while others have the store open, also several times
// at once, and answers a handle of its own each time, as another replica has. A handle must last until the test ends; the suite may have closed it by then.
type SharedPlace func(t *testing.T) (open func() store.Store)

// RunShared is the conformance suite of what several replicas rely on that share a store. Run it beside Run.
func RunShared(t *testing.T, place SharedPlace) {
	for _, part := range []struct {
		name  string
		tests []sharedTest
	}{
		{"seen by the other", sharedViewTests},
		{"claims of two", sharedClaimTests},
		{"at once", sharedConcurrencyTests},
	} {
		t.Run(part.name, func(t *testing.T) {
			for _, test := range part.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel() // most of its time each waits for the disk
					a := newFixture(t, Place(place))
					test.run(a, &fixture{T: t, Store: a.open(), open: a.open, place: a.place})
				})
			}
		})
	}
}

// sharedTest has two handles of one store.
type sharedTest struct {
	name string
	run  func(a, b *fixture)
}

var sharedViewTests = []sharedTest{
	{"both have the store's name", func(a, b *fixture) {
		if a.ID() != b.ID() {
			a.Errorf("named %q and %q", a.ID(), b.ID())
		}
	}},
	{"what one has appended the other has: due, counted and found", func(a, b *fixture) {
		n := notification(1, laneA, 0)
		a.append(n)
		b.wantRecordOf(n)
		b.wantLanes(store.LaneStats{Lane: laneA, Waiting: 1, OldestWaiting: start()})
		if due := b.dueLanes(start()); !slices.Equal(due, []string{laneA}) {
			b.Errorf("due lanes %v", due)
		}
		b.delivered(b.claimNamed(laneA, start(), n.ID), after(1))
		a.wantHistory(n.ID, store.Attempt{EndedAt: after(1), Took: took})
		a.wantLanes()
	}},
	{"many that both have appended in turn are found by both, and after one has gone", func(a, b *fixture) {
		const each = 4200
		a.appendMany(each, laneA)
		b.appendFrom(each, each, laneB)
		for _, f := range []*fixture{a, b} {
			f.wantSearched(2 * each)
		}
		if err := a.Close(); err != nil {
			a.Errorf("closing: %v", err)
		}
		b.appendFrom(2*each, 50, laneA)
		b.wantSearched(2*each + 50)
		third := &fixture{T: b.T, Store: b.open()}
		third.wantSearched(2*each + 50)
	}},
	{"a retry's instant, a lease's end and what was replayed are seen by the other", func(a, b *fixture) {
		a.append(notification(1, laneA, 0), notification(2, laneB, 0))
		a.retry(a.claimOne(laneA, start()), after(1), after(30))
		b.wantNextDue(after(1), after(30))
		a.dead(a.claimOne(laneB, start()), after(1))
		a.claimOne(laneA, after(30))
		b.wantNextDue(after(31), after(90))
		b.wantReplayed(store.Filter{Lane: laneB}, after(40), 10, 1)
		a.wantNextDue(after(31), after(40))
		a.claimNamed(laneB, after(40), "msg_000002")
	}},
	{"revocations, with the same cursors", func(a, b *fixture) {
		a.revoke(revocation(1, 10))
		cursor := b.wantRevocations(0, revocation(1, 10))
		b.revoke(revocation(2, 10))
		a.wantRevocations(cursor, revocation(2, 10))
		b.wantPruned(11, 10, 2)
		a.wantRevocations(0)
	}},
	{"pauses", func(a, b *fixture) {
		p := store.Pause{Lane: laneA, Since: after(1), By: "one"}
		a.pause(p)
		b.wantPauses(p)
		b.resume(laneA, false, after(2))
		p.Until = after(2)
		a.wantPauses(p)
		a.prunePauses(after(3))
		b.wantPauses()
	}},
	{"one that is closed leaves the other as it was", func(a, b *fixture) {
		a.append(notification(1, laneA, 0))
		d := b.claimOne(laneA, start())
		if err := a.Close(); err != nil {
			a.Errorf("closing: %v", err)
		}
		b.delivered(d, after(1))
		b.append(notification(2, laneA, 2))
		if err := b.Check(b.Context()); err != nil {
			b.Errorf("checking: %v", err)
		}
	}},
}

var sharedConcurrencyTests = []sharedTest{
	{"two claim and two append: each notification is handed out exactly once", func(a, b *fixture) {
		const producers, each, workers = 32, 25, 8
		handles := []*fixture{a, b}
		var delivered sync.Map
		var left atomic.Int64
		left.Store(producers * each)
		var all sync.WaitGroup
		for p := range producers {
			all.Go(func() {
				for i := range each {
					if _, err := handles[p%2].Append(a.Context(), notification(p*each+i, []string{laneA, laneB}[i%2], 0)); err != nil {
						a.Errorf("appending: %v", err)
					}
				}
			})
		}
		for w := range workers {
			all.Go(func() {
				for left.Load() > 0 && !a.Failed() {
					handles[w%2].deliverDue(&delivered, &left)
				}
			})
		}
		all.Wait()
		a.wantLanes()
	}},
	{"the order of a token that both append to in turn, delivered by 8 workers of both", func(a, b *fixture) {
		const tokens, each = 5, 16
		handles := []*fixture{a, b}
		for i := range tokens * each {
			handles[i%2].append(ordered(i, tokenName(i%tokens), 0))
		}
		w := newOrderWatch(tokens * each)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { w.deliverAll(a, handles[i%2].Store) })
		}
		all.Wait()
	}},
	{"repeats that both append while both deliver: whoever was merged is told of by an attempt that began later", func(a, b *fixture) {
		newMergeWatch().run(a, []store.Store{a.Store, b.Store})
	}},
	{"both replay the same while both deliver: each is replayed once and delivered twice", func(a, b *fixture) {
		a.replayConcurrently([]store.Store{a.Store, b.Store})
	}},
	{"both prune the same: each is counted once", func(a, b *fixture) {
		const many = 500
		a.appendMany(many, laneA)
		a.recordAll(a.claim(laneA, after(10), many), store.Dead, after(11))
		var pruned atomic.Int64
		var all sync.WaitGroup
		for _, f := range []*fixture{a, b} {
			all.Go(func() {
				for n := 1; n > 0; pruned.Add(int64(n)) {
					n = f.prune(store.Dead, after(12), 30)
				}
			})
		}
		all.Wait()
		if pruned.Load() != many {
			a.Errorf("pruned %d, want %d", pruned.Load(), many)
		}
		b.wantLanes()
	}},
	{"both revoke, and one who follows at the other misses none", func(a, b *fixture) {
		const revokers, each = 16, 20
		handles := []*fixture{a, b}
		stored := make(chan struct{})
		var follower, all sync.WaitGroup
		seen := map[string]bool{}
		follower.Go(func() { b.followUntil(stored, seen) })
		for p := range revokers {
			all.Go(func() {
				for i := range each {
					if err := handles[p%2].Revoke(a.Context(), revocation(p*each+i, 10)); err != nil {
						a.Errorf("revoking: %v", err)
					}
				}
			})
		}
		all.Wait()
		close(stored)
		follower.Wait()
		if len(seen) != revokers*each {
			b.Errorf("the follower has seen %d, want %d", len(seen), revokers*each)
		}
	}},
	{"6 open an empty place at once, and it is one store", func(a, _ *fixture) {
		open := a.place(a.T)
		stores := make([]store.Store, 6)
		var all sync.WaitGroup
		for i := range stores {
			all.Go(func() { stores[i] = open() })
		}
		all.Wait()
		for i, s := range stores {
			if s == nil || s.ID() != stores[0].ID() {
				a.Fatalf("handle %d is of another store", i)
			}
			if _, err := s.Append(a.Context(), notification(i, laneA, i)); err != nil {
				a.Errorf("appending: %v", err)
			}
		}
		f := &fixture{T: a.T, Store: stores[0]}
		f.wantCount(store.Filter{}, len(stores))
	}},
}

// wantSearched looks for some of the first so many, which appendMany and appendFrom have made, and pages through all.
func (f *fixture) wantSearched(many int) {
	f.Helper()
	for _, i := range []int{0, 1, many/2 - 1, many / 2, many - 51, many - 1} {
		id := fmt.Sprintf("msg_%06d", i)
		for _, filter := range []store.Filter{{ID: id}, {TokenID: fmt.Sprintf("tok_%d", i)}, {CorrelationID: fmt.Sprintf("c-%d", i)}} {
			if got := f.list(filter); !slices.Equal(got, []string{id}) {
				f.Errorf("%+v: %v", filter, got)
			}
		}
		if got := f.get(id).ID; got != id {
			f.Errorf("got %s for %s", got, id)
		}
	}
	f.wantPages(store.Filter{MerchantID: "40010000001", Limit: 1000}, many)
}

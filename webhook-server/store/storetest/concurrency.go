package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var concurrencyTests = []conformanceTest{
	{"64 producers and 8 workers: each notification is handed out exactly once", func(f *fixture) {
		const producers, each, workers = 64, 25, 8
		var delivered sync.Map
		var left atomic.Int64
		left.Store(producers * each)
		lanes := []string{laneA, laneB, "payments/acme/c"}
		var all sync.WaitGroup
		for p := range producers {
			all.Go(func() {
				for i := range each {
					if _, err := f.Append(f.Context(), notification(p*each+i, lanes[(p+i)%len(lanes)], 0)); err != nil {
						f.Errorf("appending: %v", err)
						left.Add(-1) // or the workers would wait for it
					}
				}
			})
		}
		for range workers {
			all.Go(func() {
				for left.Load() > 0 && !f.Failed() {
					f.deliverDue(&delivered, &left)
				}
			})
		}
		all.Wait()
		if got := len(f.list(store.Filter{State: store.Delivered, Limit: 1000})); got != 1000 {
			f.Errorf("listed %d delivered, want a full page", got)
		}
		f.wantLanes()
	}},
	{"of many who record under one lease one succeeds", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		d := f.claimOne(laneA, start())
		var succeeded atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				err := f.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: after(1)})
				switch {
				case err == nil:
					succeeded.Add(1)
				case !errors.Is(err, store.ErrLeaseLost):
					f.Errorf("recording: %v", err)
				}
			})
		}
		all.Wait()
		if succeeded.Load() != 1 || f.get(d.ID).Attempts != 1 {
			f.Errorf("%d succeeded, %d attempts", succeeded.Load(), f.get(d.ID).Attempts)
		}
	}},
	{"a context that has ended: either not stored and an error, or stored and none", func(f *fixture) {
		ended, cancel := context.WithCancel(f.Context())
		cancel()
		stored := 0
		for i := range 100 {
			if _, err := f.Append(ended, notification(i, laneA, 0)); err == nil {
				stored++
			}
		}
		if got := len(f.claim(laneA, start(), 200)); got != stored {
			f.Errorf("%d are stored, %d were said to be", got, stored)
		}
	}},
}

// deliverDue claims once from every due lane and records what it got as delivered.
func (f *fixture) deliverDue(delivered *sync.Map, left *atomic.Int64) {
	due, err := f.DueLanes(f.Context(), after(1))
	if err != nil {
		f.Errorf("asking for due lanes: %v", err)
	}
	for _, lane := range due {
		claimed, err := f.Claim(f.Context(), lane, after(1), 7, time.Minute)
		if err != nil {
			f.Errorf("claiming: %v", err)
		}
		for _, d := range claimed {
			if _, twice := delivered.LoadOrStore(d.ID, true); twice {
				f.Errorf("%s was handed out twice", d.ID)
			}
			if err := f.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: after(2)}); err != nil {
				f.Errorf("recording: %v", err)
			}
			left.Add(-1)
		}
	}
}

var closeTests = []conformanceTest{
	{"a healthy store says so", func(f *fixture) {
		if err := f.Check(f.Context()); err != nil {
			f.Errorf("checking: %v", err)
		}
	}},
	{"closing while appends are under way answers each truly, and closing twice is fine", func(f *fixture) {
		var all sync.WaitGroup
		started := make(chan struct{}, 1)
		for p := range 16 {
			all.Go(func() {
				for i := 0; ; i++ {
					_, err := f.Append(f.Context(), notification(p*1000000+i, laneA, 0))
					if errors.Is(err, store.ErrClosed) {
						return
					}
					if err != nil {
						f.Errorf("appending: %v", err)
						return
					}
					select {
					case started <- struct{}{}:
					default:
					}
				}
			})
		}
		<-started
		for range 2 {
			if err := f.Close(); err != nil {
				f.Errorf("closing: %v", err)
			}
		}
		all.Wait()
	}},
	{"a closed store answers that it is closed", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		d := f.claimOne(laneA, start())
		if err := f.Close(); err != nil {
			f.Fatalf("closing: %v", err)
		}
		for name, err := range f.callAll(d) {
			if !errors.Is(err, store.ErrClosed) {
				f.Errorf("%s: %v", name, err)
			}
		}
	}},
}

// callAll calls every method once and answers their errors.
func (f *fixture) callAll(d store.Delivery) map[string]error {
	ctx := f.Context()
	_, dueLanes := f.DueLanes(ctx, start())
	_, claim := f.Claim(ctx, laneA, start(), 1, minute)
	_, claimProbe := f.ClaimProbe(ctx, laneA, start(), minute)
	_, appended := f.Append(ctx, notification(2, laneA, 0))
	_, _, nextDue := f.NextDue(ctx, start())
	_, get := f.Get(ctx, d.ID)
	_, list := f.List(ctx, store.Filter{})
	_, count := f.Count(ctx, store.Filter{})
	_, replay := f.Replay(ctx, store.Filter{}, start(), 1)
	_, lanes := f.Lanes(ctx)
	_, prune := f.Prune(ctx, store.Dead, start(), 1)
	_, pruneBeyond := f.PruneBeyond(ctx, store.Dead, 0, 1)
	_, pauses := f.Pauses(ctx)
	_, _, revocations := f.Revocations(ctx, 0)
	_, pruneRevocations := f.PruneRevocations(ctx, start(), 1)
	return map[string]error{
		"Revoke": f.Revoke(ctx, revocation(1, 0)), "Revocations": revocations, "PruneRevocations": pruneRevocations,
		"Append": appended, "DueLanes": dueLanes, "Claim": claim, "ClaimProbe": claimProbe, "NextDue": nextDue,
		"Count": count, "Replay": replay, "PruneBeyond": pruneBeyond,
		"Pause": f.Pause(ctx, store.Pause{Lane: laneA, Since: start()}), "Resume": f.Resume(ctx, laneA, false, start()),
		"Pauses": pauses, "PrunePauses": f.PrunePauses(ctx, start()),
		"Record":  f.Record(ctx, store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: start()}),
		"Release": f.Release(ctx, d.ID, d.Lease), "Get": get, "List": list, "Lanes": lanes, "Prune": prune, "Check": f.Check(ctx),
	}
}

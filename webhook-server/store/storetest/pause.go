package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var pauseTests = []conformanceTest{
	{"nothing was paused: none", func(f *fixture) {
		f.wantPauses()
	}},
	{"a pause holds, with every field and to the millisecond, over a restart", func(f *fixture) {
		p := store.Pause{Lane: laneA, Since: after(1).Add(123 * time.Millisecond), By: "ünïcode 'quoted'", Reason: "maintenance"}
		f.pause(p)
		f.wantPauses(p)
		f.reopen()
		f.wantPauses(p)
	}},
	{"who asked and why may be left empty", func(f *fixture) {
		f.pause(store.Pause{Lane: laneA, Since: after(1)})
		f.wantPauses(store.Pause{Lane: laneA, Since: after(1)})
	}},
	{"one without a lane or a beginning is refused", func(f *fixture) {
		for _, p := range []store.Pause{{Since: after(1)}, {Lane: laneA}, {Since: after(1), WholeGateway: true}} {
			if err := f.Pause(f.Context(), p); err == nil {
				f.Errorf("%+v is taken", p)
			}
		}
		f.wantPauses()
	}},
	{"an end that is given with it means nothing", func(f *fixture) {
		f.pause(store.Pause{Lane: laneA, Since: after(1), Until: after(2)})
		f.wantPauses(store.Pause{Lane: laneA, Since: after(1)})
	}},
	{"in order of lane, the lane's own before the gateway's", func(f *fixture) {
		gateway := store.Pause{Lane: laneA, WholeGateway: true, Since: after(1)}
		f.pause(store.Pause{Lane: laneB, Since: after(3)}, gateway, store.Pause{Lane: laneA, Since: after(2)})
		f.wantPauses(store.Pause{Lane: laneA, Since: after(2)}, gateway, store.Pause{Lane: laneB, Since: after(3)})
	}},
	{"pausing again keeps the beginning and takes who and why", func(f *fixture) {
		f.pause(store.Pause{Lane: laneA, Since: after(1), By: "one", Reason: "this"}, store.Pause{Lane: laneA, Since: after(5), By: "other"})
		f.wantPauses(store.Pause{Lane: laneA, Since: after(1), By: "other"})
	}},
	{"one that was resumed ended, and is kept, over a restart", func(f *fixture) {
		p := store.Pause{Lane: laneA, Since: after(1), By: "one", Reason: "this"}
		f.pause(p)
		f.resume(laneA, false, after(7).Add(89*time.Millisecond))
		p.Until = after(7).Add(89 * time.Millisecond)
		f.wantPauses(p)
		f.reopen()
		f.wantPauses(p)
	}},
	{"one that has ended is replaced", func(f *fixture) {
		f.pause(store.Pause{Lane: laneA, Since: after(1), By: "one", Reason: "this"})
		f.resume(laneA, false, after(2))
		f.pause(store.Pause{Lane: laneA, Since: after(5), By: "other"})
		f.wantPauses(store.Pause{Lane: laneA, Since: after(5), By: "other"})
	}},
	{"what does not hold cannot be resumed", func(f *fixture) {
		f.wantNoPause(laneA, false)
		f.pause(store.Pause{Lane: laneA, Since: after(1)})
		f.wantNoPause(laneA, true)
		f.wantNoPause(laneB, false)
		f.resume(laneA, false, after(2))
		f.wantNoPause(laneA, false)
		f.wantPauses(store.Pause{Lane: laneA, Since: after(1), Until: after(2)})
	}},
	{"a lane's own and its gateway's are two", func(f *fixture) {
		own, gateway := store.Pause{Lane: laneA, Since: after(1)}, store.Pause{Lane: laneA, WholeGateway: true, Since: after(2)}
		f.pause(own, gateway)
		f.resume(laneA, true, after(3))
		gateway.Until = after(3)
		f.wantPauses(own, gateway)
	}},
	{"pruning forgets only what ended before the instant", func(f *fixture) {
		holds := store.Pause{Lane: "c", Since: start()}
		f.pause(store.Pause{Lane: "a", Since: start()}, store.Pause{Lane: "b", Since: start()}, holds)
		f.resume("a", false, after(10))
		f.resume("b", false, after(20))
		f.prunePauses(after(10))
		f.wantPauses(store.Pause{Lane: "a", Since: start(), Until: after(10)}, store.Pause{Lane: "b", Since: start(), Until: after(20)}, holds)
		f.prunePauses(after(20))
		f.wantPauses(store.Pause{Lane: "b", Since: start(), Until: after(20)}, holds)
		f.prunePauses(after(1000))
		f.wantPauses(holds)
	}},
	{"what waits for a paused destination is kept and may be claimed: who delivers heeds the pause", func(f *fixture) {
		f.pause(store.Pause{Lane: laneA, Since: start()})
		f.append(notification(1, laneA, 1))
		f.claimOne(laneA, after(2))
	}},
}

func (f *fixture) pause(all ...store.Pause) {
	f.Helper()
	for _, p := range all {
		if err := f.Pause(f.Context(), p); err != nil {
			f.Fatalf("pausing %s: %v", p.Lane, err)
		}
	}
}

func (f *fixture) resume(lane string, wholeGateway bool, at time.Time) {
	f.Helper()
	if err := f.Resume(f.Context(), lane, wholeGateway, at); err != nil {
		f.Fatalf("resuming %s: %v", lane, err)
	}
}

func (f *fixture) prunePauses(before time.Time) {
	f.Helper()
	if err := f.PrunePauses(f.Context(), before); err != nil {
		f.Fatalf("pruning pauses: %v", err)
	}
}

func (f *fixture) wantNoPause(lane string, wholeGateway bool) {
	f.Helper()
	if err := f.Resume(f.Context(), lane, wholeGateway, after(50)); !errors.Is(err, store.ErrNotFound) {
		f.Errorf("resuming %s: %v", lane, err)
	}
}

func (f *fixture) wantPauses(want ...store.Pause) {
	f.Helper()
	got, err := f.Pauses(f.Context())
	if err != nil || !slices.Equal(got, want) {
		f.Errorf("pauses %+v, %v; want %+v", got, err, want)
	}
}

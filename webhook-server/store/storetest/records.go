package storetest

import (
	"errors"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var recordTests = []conformanceTest{
	{"a new notification waits with no attempt", func(f *fixture) {
		n := notification(1, laneA, 7)
		f.append(n)
		want := store.Record{Notification: n, State: store.Waiting, NextAttempt: n.ReceivedAt}
		f.wantRecord(want)
	}},
	{"a claimed notification still waits", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.claimOne(laneA, start())
		if got := f.get("msg_000001").State; got != store.Waiting {
			f.Errorf("state %s", got)
		}
	}},
	{"retries count attempts and keep the last reason", func(f *fixture) {
		n := notification(1, laneA, 0)
		f.append(n)
		f.record(f.claimOne(laneA, start()), store.Waiting, "timeout", after(1), after(10))
		second := f.claimOne(laneA, after(10))
		if second.Attempts != 1 {
			f.Errorf("attempts at the second claim: %d", second.Attempts)
		}
		f.record(second, store.Waiting, "refused", after(11), after(20))
		want := store.Record{Notification: n, State: store.Waiting, Attempts: 2, LastReason: "refused", LastAttempt: after(11), NextAttempt: after(20),
			History: []store.Attempt{{EndedAt: after(1), Took: took, Reason: "timeout"}, {EndedAt: after(11), Took: took, Reason: "refused"}}}
		f.wantRecord(want)
	}},
	{"a delivered notification is final", func(f *fixture) {
		n := notification(1, laneA, 0)
		f.append(n)
		f.record(f.claimOne(laneA, start()), store.Waiting, "timeout", after(1), after(2))
		f.delivered(f.claimOne(laneA, after(2)), after(3))
		want := store.Record{Notification: n, State: store.Delivered, Attempts: 2, LastAttempt: after(3),
			History: []store.Attempt{{EndedAt: after(1), Took: took, Reason: "timeout"}, {EndedAt: after(3), Took: took}}}
		f.wantRecord(want)
		if got := f.claim(laneA, after(1000), 10); len(got) != 0 {
			f.Errorf("claimed %v", ids(got))
		}
	}},
	{"a dead notification is final and says why", func(f *fixture) {
		n := notification(1, laneA, 0)
		f.append(n)
		f.dead(f.claimOne(laneA, start()), after(1))
		want := store.Record{Notification: n, State: store.Dead, Attempts: 1, LastReason: "gone", LastAttempt: after(1),
			History: []store.Attempt{{EndedAt: after(1), Took: took, Reason: "gone"}}}
		f.wantRecord(want)
		if got := f.claim(laneA, after(1000), 10); len(got) != 0 {
			f.Errorf("claimed %v", ids(got))
		}
	}},
	{"an outcome that makes no sense is refused and the claim lasts", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		d := f.claimOne(laneA, start())
		for _, o := range []store.Outcome{
			{State: "Lost"},
			{State: ""},
			{State: store.Waiting},
			{State: store.Delivered, NextAttempt: after(9)},
		} {
			o.ID, o.Lease, o.At = d.ID, d.Lease, after(1)
			if err := f.Record(f.Context(), o); err == nil || errors.Is(err, store.ErrLeaseLost) {
				f.Errorf("recording %+v: %v", o, err)
			}
		}
		f.delivered(d, after(1))
	}},
	{"what was never appended is not found", func(f *fixture) {
		if _, err := f.Get(f.Context(), "msg_nobody"); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("getting: %v", err)
		}
		err := f.Record(f.Context(), store.Outcome{ID: "msg_nobody", Lease: 1, State: store.Delivered, At: start()})
		if !errors.Is(err, store.ErrLeaseLost) {
			f.Errorf("recording: %v", err)
		}
	}},
}

var nextDueTests = []conformanceTest{
	{"nothing waits: no next instant", func(f *fixture) {
		f.wantNextDue(start(), time.Time{})
		f.append(notification(1, laneA, 0))
		f.delivered(f.claimOne(laneA, start()), after(1))
		f.wantNextDue(after(1), time.Time{})
	}},
	{"what is due already is not the next instant", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.wantNextDue(after(1), time.Time{})
	}},
	{"the earliest retry of all lanes", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 0), notification(3, laneB, 0))
		for i, d := range append(f.claim(laneA, start(), 10), f.claim(laneB, start(), 10)...) {
			f.record(d, store.Waiting, "timeout", after(1), after(30-10*i))
		}
		f.wantNextDue(after(2), after(10))
		f.wantNextDue(after(10), after(20))
		f.wantNextDue(after(20), after(30))
		f.wantNextDue(after(30), time.Time{})
		f.wantNextDue(after(15), after(20)) // an earlier question after a later one
	}},
	{"the end of a lease", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		d := f.claimOne(laneA, start())
		f.wantNextDue(start(), after(60))
		if err := f.Release(f.Context(), d.ID, d.Lease); err != nil {
			f.Fatal(err)
		}
		f.wantNextDue(start(), time.Time{})
	}},
	{"the lease of a recorded claim no longer counts", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.record(f.claimOne(laneA, start()), store.Waiting, "timeout", after(1), after(600))
		f.wantNextDue(after(1), after(600))
	}},
}

// wantNextDue expects the instant, or none when it is zero.
func (f *fixture) wantNextDue(now, want time.Time) {
	f.Helper()
	got, ok, err := f.NextDue(f.Context(), now)
	if err != nil || ok == want.IsZero() || !got.Equal(want) {
		f.Errorf("next due after %s: %s, %t, %v; want %s", now, got, ok, err, want)
	}
}

// wantRecordOf expects what has just been appended.
func (f *fixture) wantRecordOf(n store.Notification) {
	f.Helper()
	f.wantRecord(store.Record{Notification: n, State: store.Waiting, NextAttempt: n.ReceivedAt})
}

func (f *fixture) wantNotFound(all ...string) {
	f.Helper()
	for _, id := range all {
		if _, err := f.Get(f.Context(), id); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("getting %s: %v", id, err)
		}
	}
}

// wantLost expects the outcome to be refused.
func (f *fixture) wantLost(o store.Outcome) {
	f.Helper()
	if err := f.Record(f.Context(), o); !errors.Is(err, store.ErrLeaseLost) {
		f.Errorf("recording under a lease that ended: %v", err)
	}
}

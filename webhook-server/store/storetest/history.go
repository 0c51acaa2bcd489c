package storetest

import (
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var historyTests = []conformanceTest{
	{"each attempt, the oldest first, with its answer and to the millisecond", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		ended := after(1).Add(123 * time.Millisecond)
		f.recordOutcome(f.claimOne(laneA, start()), store.Outcome{
			State: store.Waiting, Reason: "status_5xx", Status: 503, At: ended.Add(456 * time.Microsecond), Took: 1234567 * time.Microsecond, NextAttempt: after(10),
		})
		f.recordOutcome(f.claimOne(laneA, after(10)), store.Outcome{State: store.Delivered, Status: 204, At: after(11), Took: 15 * time.Minute})
		f.wantHistory("msg_000001",
			store.Attempt{EndedAt: ended, Took: 1234 * time.Millisecond, Reason: "status_5xx", Status: 503},
			store.Attempt{EndedAt: after(11), Took: 15 * time.Minute, Status: 204},
		)
	}},
	{"none before the first attempt, and none for a claim that was released or lost", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.wantHistory("msg_000001")
		f.release(f.claimOne(laneA, start()))
		f.claimOne(laneA, start())
		f.claimOne(laneA, after(60))
		f.wantHistory("msg_000001")
	}},
	{"the newest 50 only", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		const attempts = store.MaxHistory + 7
		var want []store.Attempt
		for i := range attempts {
			o := store.Outcome{State: store.Waiting, Reason: fmt.Sprintf("reason_%d", i), Status: 500 + i, At: after(2*i + 1), Took: time.Duration(i) * time.Second, NextAttempt: after(2*i + 2)}
			f.recordOutcome(f.claimOne(laneA, after(2*i)), o)
			want = append(want, store.Attempt{EndedAt: o.At, Took: o.Took, Reason: o.Reason, Status: o.Status})
		}
		f.wantHistory("msg_000001", want[attempts-store.MaxHistory:]...)
		if got := f.get("msg_000001").Attempts; got != attempts {
			f.Errorf("%d attempts counted, want %d", got, attempts)
		}
	}},
	{"it is kept over a replay, whose attempts are counted anew", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.dead(f.claimOne(laneA, start()), after(1))
		f.wantReplayed(store.Filter{}, after(2), 10, 1)
		f.delivered(f.claimOne(laneA, after(2)), after(3))
		f.wantHistory("msg_000001", store.Attempt{EndedAt: after(1), Took: took, Reason: "gone"}, store.Attempt{EndedAt: after(3), Took: took})
		if got := f.get("msg_000001").Attempts; got != 1 {
			f.Errorf("%d attempts counted since the replay", got)
		}
	}},
	{"it survives a restart, and each has its own", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 1))
		f.retry(f.claimNamedFirst(after(1), "msg_000001"), after(2), after(20))
		f.delivered(f.claimNamed(laneA, after(3), "msg_000002"), after(4))
		f.reopen()
		f.dead(f.claimNamed(laneA, after(20), "msg_000001"), after(21))
		f.wantHistory("msg_000001", store.Attempt{EndedAt: after(2), Took: took, Reason: "timeout"}, store.Attempt{EndedAt: after(21), Took: took, Reason: "gone"})
		f.wantHistory("msg_000002", store.Attempt{EndedAt: after(4), Took: took})
	}},
	{"a list leaves it out and has everything else", func(f *fixture) {
		f.appendVaried()
		listed, err := f.List(f.Context(), store.Filter{})
		if err != nil {
			f.Fatal(err)
		}
		for _, rec := range listed {
			if rec.History != nil {
				f.Errorf("%s is listed with %d attempts", rec.ID, len(rec.History))
			}
			rec.History = f.get(rec.ID).History
			f.wantRecord(rec)
		}
	}},
	{"what is not counted is no attempt: only the reason and the next instant change", func(f *fixture) {
		n := notification(1, laneA, 0)
		f.append(n)
		f.uncounted(f.claimOne(laneA, start()), after(1), after(5))
		f.wantRecord(store.Record{Notification: n, State: store.Waiting, LastReason: "proxy", NextAttempt: after(5)})
		f.wantClaimed(laneA, after(4))
		f.retry(f.claimOne(laneA, after(5)), after(6), after(10))
		d := f.claimOne(laneA, after(10))
		f.uncounted(d, after(11), after(20))
		want := store.Record{
			Notification: n, State: store.Waiting, Attempts: 1, LastReason: "proxy", LastAttempt: after(6), NextAttempt: after(20),
			History: []store.Attempt{{EndedAt: after(6), Took: took, Reason: "timeout"}},
		}
		f.wantRecord(want)
		f.reopen()
		f.wantRecord(want)
		if d := f.claimOne(laneA, after(20)); d.Attempts != 1 || !d.LastAttempt.Equal(after(6)) {
			f.Errorf("claimed with %d attempts, the last at %s", d.Attempts, d.LastAttempt)
		}
	}},
	{"an outcome that is not counted ends the claim", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		d := f.claimOne(laneA, start())
		f.uncounted(d, after(1), after(5))
		f.wantNextDue(after(1), after(5))
		f.wantLost(store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: after(2)})
	}},
	{"what is given up counts, whatever the outcome says", func(f *fixture) {
		n := notification(1, laneA, 0)
		f.append(n)
		f.recordOutcome(f.claimOne(laneA, start()), store.Outcome{State: store.Dead, Reason: "proxy", At: after(1), Took: took, Uncounted: true})
		f.wantRecord(store.Record{
			Notification: n, State: store.Dead, Attempts: 1, LastReason: "proxy", LastAttempt: after(1),
			History: []store.Attempt{{EndedAt: after(1), Took: took, Reason: "proxy"}},
		})
		if got := f.prune(store.Dead, after(1), 10); got != 0 {
			f.Errorf("pruned %d that were given up just now", got)
		}
	}},
}

// recordOutcome records o for the claim.
func (f *fixture) recordOutcome(d store.Delivery, o store.Outcome) {
	f.Helper()
	o.ID, o.Lease = d.ID, d.Lease
	if err := f.Record(f.Context(), o); err != nil {
		f.Fatalf("recording %+v: %v", o, err)
	}
}

// uncounted records that nothing reached the destination.
func (f *fixture) uncounted(d store.Delivery, at, next time.Time) {
	f.Helper()
	f.recordOutcome(d, store.Outcome{State: store.Waiting, Reason: "proxy", At: at, Took: took, NextAttempt: next, Uncounted: true})
}

func (f *fixture) wantHistory(id string, want ...store.Attempt) {
	f.Helper()
	rec := f.get(id)
	rec.History = want
	f.wantRecord(rec)
}

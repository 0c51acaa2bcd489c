package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var claimTests = []conformanceTest{
	{"an appended notification is due at once, with every field", func(f *fixture) {
		want := notification(1, laneA, 0)
		want.CorrelationID = "ünïcode 'quoted' \x01"
		f.append(want)
		got := f.claimOne(laneA, start())
		if got.Notification != want {
			f.Errorf("claimed %+v, want %+v", got.Notification, want)
		}
		if got.Attempts != 0 || !got.Since.Equal(want.ReceivedAt) || !got.LastAttempt.IsZero() || got.LastReason != "" {
			f.Errorf("%d attempts since %s, the last at %s", got.Attempts, got.Since, got.LastAttempt)
		}
	}},
	{"what is ordered and may be merged is kept with it", func(f *fixture) {
		want := ordered(1, "tok", 0)
		want.Merge = true
		f.append(want)
		f.reopen()
		if got := f.claimOne(laneA, start()); got.Notification != want {
			f.Errorf("claimed %+v, want %+v", got.Notification, want)
		}
		f.wantRecordOf(want)
	}},
	{"a claim after attempts says when the last one ended, and that its schedule began with its reception", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.retry(f.claimOne(laneA, start()), after(1), after(2))
		f.retry(f.claimOne(laneA, after(2)), after(3), after(4))
		got := f.claimOne(laneA, after(4))
		if got.Attempts != 2 || !got.Since.Equal(start()) || !got.LastAttempt.Equal(after(3)) || got.LastReason != "timeout" {
			f.Errorf("%d attempts since %s, the last at %s for %q", got.Attempts, got.Since, got.LastAttempt, got.LastReason)
		}
	}},
	{"a received instant is kept to the millisecond", func(f *fixture) {
		n := notification(1, laneA, 0)
		n.ReceivedAt = start().Add(1234567 * time.Nanosecond)
		f.append(n)
		if got := f.get(n.ID).ReceivedAt; !got.Equal(start().Add(time.Millisecond)) {
			f.Errorf("received at %s", got)
		}
	}},
	{"oldest due comes first and the limit holds", func(f *fixture) {
		f.append(notification(1, laneA, 3), notification(2, laneA, 1), notification(3, laneA, 2))
		if got := ids(f.claim(laneA, after(10), 2)); !slices.Equal(got, []string{"msg_000002", "msg_000003"}) {
			f.Errorf("first claim %v", got)
		}
		if got := ids(f.claim(laneA, after(10), 2)); !slices.Equal(got, []string{"msg_000001"}) {
			f.Errorf("second claim %v", got)
		}
	}},
	{"a claimed notification is not handed out again", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.claimOne(laneA, start())
		if got := f.claim(laneA, after(59), 10); len(got) != 0 {
			f.Errorf("claimed again: %v", ids(got))
		}
		if got := f.dueLanes(after(59)); len(got) != 0 {
			f.Errorf("due lanes %v", got)
		}
	}},
	{"lanes do not see each other", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneB, 0), notification(3, laneA, 0))
		if got := f.dueLanes(start()); !slices.Equal(got, []string{laneA, laneB}) {
			f.Errorf("due lanes %v", got)
		}
		if got := f.claimOne(laneB, start()); got.ID != "msg_000002" {
			f.Errorf("lane B gave %s", got.ID)
		}
		if got := f.dueLanes(start()); !slices.Equal(got, []string{laneA}) {
			f.Errorf("due lanes after claiming from B: %v", got)
		}
		if got := f.claim("payments/acme/none", start(), 10); len(got) != 0 {
			f.Errorf("an unknown lane gave %v", ids(got))
		}
	}},
	{"a lane whose first is not due yet is not due", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.record(f.claimOne(laneA, start()), store.Waiting, "timeout", after(1), after(30))
		if got := f.dueLanes(after(29)); len(got) != 0 {
			f.Errorf("due lanes %v", got)
		}
		if got := f.claim(laneA, after(29), 10); len(got) != 0 {
			f.Errorf("claimed %v", ids(got))
		}
		if got := f.dueLanes(after(30)); !slices.Equal(got, []string{laneA}) {
			f.Errorf("due lanes at the instant: %v", got)
		}
	}},
	{"an empty id is refused and its neighbours are not", func(f *fixture) {
		bad := notification(2, laneA, 0)
		bad.ID = ""
		f.append(notification(1, laneA, 0))
		if _, err := f.Append(f.Context(), bad); err == nil || errors.Is(err, store.ErrFull) {
			f.Errorf("appending an empty id: %v", err)
		}
		f.append(notification(3, laneA, 0))
		f.wantClaimed(laneA, start(), "msg_000001", "msg_000003")
	}},
}

var leaseTests = []conformanceTest{
	{"a notification is claimed again once its lease is over", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		first := f.claimOne(laneA, start())
		if got := f.dueLanes(after(60)); !slices.Equal(got, []string{laneA}) {
			f.Errorf("due lanes %v", got)
		}
		second := f.claimOne(laneA, after(60))
		if second.ID != first.ID || second.Lease == first.Lease {
			f.Errorf("second claim %s lease %d, first %s lease %d", second.ID, second.Lease, first.ID, first.Lease)
		}
	}},
	{"the outcome of a lost lease is refused and the new one's is taken", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		first := f.claimOne(laneA, start())
		second := f.claimOne(laneA, after(60))
		err := f.Record(f.Context(), store.Outcome{ID: first.ID, Lease: first.Lease, State: store.Dead, Reason: "late", At: after(59)})
		if !errors.Is(err, store.ErrLeaseLost) {
			f.Errorf("recording under the lost lease: %v", err)
		}
		f.delivered(second, after(61))
		if got := f.get(first.ID); got.State != store.Delivered || got.Attempts != 1 {
			f.Errorf("record %+v", got)
		}
	}},
	{"an attempt that ended after its lease is refused", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		d := f.claimOne(laneA, start())
		if err := f.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: after(60)}); !errors.Is(err, store.ErrLeaseLost) {
			f.Errorf("recording: %v", err)
		}
		f.claimOne(laneA, after(60))
	}},
	{"a clock that goes back loses no claim that was made after it", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.dueLanes(after(3600)) // one replica's clock jumped, and was put right
		d := f.claimOne(laneA, after(1))
		f.delivered(d, after(2))
		if got := f.get(d.ID); got.State != store.Delivered {
			f.Errorf("record %+v", got)
		}
	}},
	{"an outcome is taken once", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		d := f.claimOne(laneA, start())
		f.record(d, store.Waiting, "timeout", after(1), after(2))
		if err := f.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: after(1)}); !errors.Is(err, store.ErrLeaseLost) {
			f.Errorf("recording again: %v", err)
		}
		if got := f.get(d.ID); got.State != store.Waiting || got.Attempts != 1 {
			f.Errorf("record %+v", got)
		}
	}},
	{"a lease is good for its own notification only", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 0))
		claimed := f.claim(laneA, start(), 2)
		err := f.Record(f.Context(), store.Outcome{ID: claimed[0].ID, Lease: claimed[1].Lease, State: store.Delivered, At: after(1)})
		if !errors.Is(err, store.ErrLeaseLost) {
			f.Errorf("recording with another's lease: %v", err)
		}
		if err := f.Release(f.Context(), claimed[0].ID, claimed[1].Lease); !errors.Is(err, store.ErrLeaseLost) {
			f.Errorf("releasing with another's lease: %v", err)
		}
	}},
	{"a released notification is due as before, with no attempt counted", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 1))
		first := f.claim(laneA, after(5), 1)[0]
		f.release(first)
		again := f.claim(laneA, after(5), 1)[0]
		if again.ID != first.ID || again.Attempts != 0 {
			f.Errorf("claimed %s with %d attempts, want %s with 0", again.ID, again.Attempts, first.ID)
		}
		if err := f.Release(f.Context(), first.ID, first.Lease); !errors.Is(err, store.ErrLeaseLost) {
			f.Errorf("releasing twice: %v", err)
		}
	}},
}

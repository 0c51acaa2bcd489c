package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var sharedClaimTests = []sharedTest{
	{"what one holds the other does not get", func(a, b *fixture) {
		a.append(notification(1, laneA, 0), notification(2, laneA, 1), notification(3, laneA, 2))
		a.claimNamedFirst(after(3), "msg_000001")
		a.wantProbe(laneA, after(3), "msg_000002")
		b.claimNamed(laneA, after(3), "msg_000003")
		for _, f := range []*fixture{a, b} {
			f.wantClaimed(laneA, after(62))
			f.wantProbe(laneA, after(62), "")
			if due := f.dueLanes(after(62)); len(due) != 0 {
				f.Errorf("due lanes %v", due)
			}
		}
	}},
	{"what one that vanished held is handed out by the other once its lease is over, not before", func(a, b *fixture) {
		a.append(notification(1, laneA, 0))
		held := a.claimOne(laneA, start())
		b.wantClaimed(laneA, after(59))
		taken := b.claimNamed(laneA, after(60), held.ID)
		if taken.Attempts != 0 || taken.Lease == held.Lease {
			b.Errorf("taken over with %d attempts under lease %d, it was %d", taken.Attempts, taken.Lease, held.Lease)
		}
		b.delivered(taken, after(61))
	}},
	{"what one that was closed held likewise", func(a, b *fixture) {
		a.append(notification(1, laneA, 0))
		a.claimOne(laneA, start())
		if err := a.Close(); err != nil {
			a.Errorf("closing: %v", err)
		}
		b.wantClaimed(laneA, after(59))
		b.claimOne(laneA, after(60))
	}},
	{"who comes back after its lease was taken over is refused, and changes nothing", func(a, b *fixture) {
		a.append(notification(1, laneA, 0))
		held := a.claimOne(laneA, start())
		taken := b.claimOne(laneA, after(60))
		a.wantLost(store.Outcome{ID: held.ID, Lease: held.Lease, State: store.Dead, Reason: "gone", At: after(59)})
		a.wantLost(store.Outcome{ID: held.ID, Lease: held.Lease, State: store.Waiting, Reason: "timeout", At: after(61), NextAttempt: after(62)})
		if err := a.Release(a.Context(), held.ID, held.Lease); !errors.Is(err, store.ErrLeaseLost) {
			a.Errorf("releasing: %v", err)
		}
		b.wantClaimed(laneA, after(62))
		b.delivered(taken, after(63))
		a.wantHistory(held.ID, store.Attempt{EndedAt: after(63), Took: took})
	}},
	{"no two claims have the same lease", func(a, b *fixture) {
		const each = 20
		a.appendMany(2*each, laneA)
		seen := map[int64]bool{}
		for _, d := range slices.Concat(a.claim(laneA, after(1), each), b.claim(laneA, after(1), each)) {
			if seen[d.Lease] {
				a.Errorf("lease %d was given twice", d.Lease)
			}
			seen[d.Lease] = true
		}
		if len(seen) != 2*each {
			a.Errorf("%d claims, want %d", len(seen), 2*each)
		}
	}},
	{"what one has released the other may claim at once", func(a, b *fixture) {
		a.append(notification(1, laneA, 0))
		a.release(a.claimOne(laneA, start()))
		b.claimOne(laneA, start())
	}},
	{"an ordered one in one's hands holds up the next for the other", func(a, b *fixture) {
		a.append(ordered(1, "tok", 0))
		b.append(ordered(2, "tok", 0))
		a.append(ordered(3, "tok", 0))
		first := a.claimNamed(laneA, after(1), "msg_000001")
		b.wantClaimed(laneA, after(1))
		a.retry(first, after(2), after(10))
		b.wantClaimed(laneA, after(9))
		b.dead(b.claimNamed(laneA, after(10), "msg_000001"), after(11))
		second := b.claimNamed(laneA, after(11), "msg_000002")
		a.wantClaimed(laneA, after(12))
		b.delivered(second, after(13))
		a.claimNamed(laneA, after(13), "msg_000003")
	}},
	{"an ordered one of one that vanished is the first that the other gets", func(a, b *fixture) {
		a.append(ordered(1, "tok", 0), ordered(2, "tok", 0))
		a.claimNamed(laneA, after(1), "msg_000001")
		b.wantClaimed(laneA, after(2))
		b.delivered(b.claimNamed(laneA, after(61), "msg_000001"), after(62))
		b.claimNamed(laneA, after(62), "msg_000002")
		b.wantNextDue(after(62), after(62).Add(time.Minute))
	}},
	{"a repeat is merged into what the other has appended, but not into what it holds", func(a, b *fixture) {
		a.append(repeat(1, 0))
		b.appendAs("msg_000001", repeat(2, 1))
		d := a.claimOne(laneA, after(2))
		b.append(repeat(3, 2))
		a.retry(d, after(3), after(10))
		b.appendAs("msg_000003", repeat(4, 4))
		a.wantClaimed(laneA, after(10), "msg_000001", "msg_000003")
		b.append(repeat(5, 10))
	}},
}

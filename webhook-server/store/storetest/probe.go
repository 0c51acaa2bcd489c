package storetest

import (
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var probeTests = []conformanceTest{
	{"nothing is due: none", func(f *fixture) {
		f.wantProbe(laneA, start(), "")
		f.append(notification(1, laneB, 0))
		f.wantProbe(laneA, start(), "")
		f.retry(f.claimOne(laneB, start()), after(1), after(10))
		f.wantProbe(laneB, after(9), "")
	}},
	{"it is claimed, with every field", func(f *fixture) {
		n := notification(1, laneA, 0)
		f.append(n)
		f.retry(f.claimOne(laneA, start()), after(1), after(2))
		d := f.wantProbe(laneA, after(2), n.ID)
		if d.Notification != n || d.Attempts != 1 || !d.Since.Equal(start()) || !d.LastAttempt.Equal(after(1)) {
			f.Errorf("probe %+v", d)
		}
		f.wantProbe(laneA, after(61), "")
		f.wantClaimed(laneA, after(61))
		f.wantNextDue(after(2), after(62))
		f.delivered(*d, after(3))
	}},
	{"it is due again once its lease is over, and when it is released", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.wantProbe(laneA, start(), "msg_000001")
		f.release(*f.wantProbe(laneA, after(60), "msg_000001"))
		f.wantProbe(laneA, after(60), "msg_000001")
	}},
	{"the one received first, though others have been due for longer", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 1), notification(3, laneA, 2))
		for _, d := range f.claim(laneA, after(3), 3) {
			seconds := int(d.ReceivedAt.Sub(start()) / time.Second)
			f.retry(d, after(4), after(30-10*seconds))
		}
		f.wantProbe(laneA, after(30), "msg_000001")
		f.wantProbe(laneA, after(30), "msg_000002")
		f.wantProbe(laneA, after(30), "msg_000003")
		f.wantProbe(laneA, after(30), "")
	}},
	{"of those received together the one attempted most", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 0), notification(3, laneA, 0))
		for _, d := range f.claim(laneA, start(), 3) {
			f.retry(d, after(1), after(2))
		}
		for _, d := range f.claim(laneA, after(2), 3) {
			if d.ID == "msg_000002" {
				f.retry(d, after(3), after(9))
				continue
			}
			f.release(d)
		}
		f.wantProbe(laneA, after(9), "msg_000002")
	}},
	{"one that is claimed or not due is passed over", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 1), notification(3, laneA, 2))
		f.claimNamedFirst(after(3), "msg_000001")
		f.retry(f.claimNamedFirst(after(3), "msg_000002"), after(4), after(30))
		f.wantProbe(laneA, after(5), "msg_000003")
	}},
	{"it chooses among those due for longest only", func(f *fixture) {
		f.append(notification(store.ProbeChoice+1, laneA, 0))
		f.retry(f.claimOne(laneA, start()), after(1), after(30))
		f.appendMany(store.ProbeChoice+1, laneB) // another lane's are not among them
		for i := range store.ProbeChoice {
			n := notification(10_000+i, laneA, 1)
			if i == 100 {
				n.ReceivedAt = after(1).Add(-time.Millisecond)
			}
			f.append(n)
		}
		f.wantProbe(laneA, after(30), "msg_010100")
		f.wantProbe(laneA, after(30), "msg_000501") // one fewer is due before it
	}},
}

// wantProbe claims a probe and expects the one named; "" is none.
func (f *fixture) wantProbe(lane string, now time.Time, id string) *store.Delivery {
	f.Helper()
	d, err := f.ClaimProbe(f.Context(), lane, now, minute)
	switch {
	case err != nil:
		f.Fatalf("claiming a probe: %v", err)
	case d == nil && id != "":
		f.Fatalf("no probe, want %s", id)
	case d != nil && d.ID != id:
		f.Fatalf("the probe is %s, want %q", d.ID, id)
	}
	return d
}

// claimNamedFirst claims one and expects it to be this.
func (f *fixture) claimNamedFirst(now time.Time, id string) store.Delivery {
	f.Helper()
	claimed := f.claim(laneA, now, 1)
	if len(claimed) != 1 || claimed[0].ID != id {
		f.Fatalf("claimed %v, want %s", ids(claimed), id)
	}
	return claimed[0]
}

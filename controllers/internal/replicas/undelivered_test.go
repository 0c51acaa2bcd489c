package replicas

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// drains is a report that counts what waits for a gateway.
func drains(replica, gateway, uid string, count *int64) *v1alpha1.ReplicaReport {
	r := reportOf(replica, 1, 1)
	r.Draining = []v1alpha1.DrainingGateway{{Namespace: "payments", Name: gateway, UID: uid, Undelivered: count}}
	return r
}

// drainsAcme counts what waits for the gateway acme of the UID "one".
func (w *world) drainsAcme(replica string, count int64) {
	w.sawReport(replica, drains(replica, "acme", "one", ptr.To(count)))
}

func (w *world) mustWait(t *testing.T, when string, total int64, known bool) {
	t.Helper()
	if m, k := w.Undelivered(named1("acme"), types.UID("one")); m != total || k != known {
		t.Errorf("%s: %d, known %t, want %d, %t", when, m, k, total, known)
	}
}

// in is a report of a replica of the store.
func in(store string, r *v1alpha1.ReplicaReport) *v1alpha1.ReplicaReport {
	r.StoreID = store
	return r
}

func TestOfEachStoreTheHighestNumberOfUndeliveredNotificationsCounts(t *testing.T) {
	for name, c := range map[string]struct {
		reports []*v1alpha1.ReplicaReport
		total   int64
		known   bool
	}{
		"of two that share a store":      {[]*v1alpha1.ReplicaReport{in("s", drains("a", "acme", "one", ptr.To[int64](3))), in("s", drains("b", "acme", "one", ptr.To[int64](12)))}, 12, true},
		"of two with a store each":       {[]*v1alpha1.ReplicaReport{in("s", drains("a", "acme", "one", ptr.To[int64](3))), in("t", drains("b", "acme", "one", ptr.To[int64](12)))}, 15, true},
		"of two that name no store":      {[]*v1alpha1.ReplicaReport{drains("a", "acme", "one", ptr.To[int64](3)), drains("b", "acme", "one", ptr.To[int64](12))}, 15, true},
		"of one that names no store":     {[]*v1alpha1.ReplicaReport{drains("a", "acme", "one", ptr.To[int64](3)), in("of the replica a", drains("b", "acme", "one", ptr.To[int64](12)))}, 15, true},
		"none waits":                     {[]*v1alpha1.ReplicaReport{drains("a", "acme", "one", ptr.To[int64](0)), drains("b", "acme", "one", ptr.To[int64](0))}, 0, true},
		"one has not said yet":           {[]*v1alpha1.ReplicaReport{drains("a", "acme", "one", ptr.To[int64](3)), reportOf("b", 1, 1)}, 3, false},
		"one has not reported":           {[]*v1alpha1.ReplicaReport{drains("a", "acme", "one", ptr.To[int64](3))}, 3, false},
		"of an earlier one of that name": {[]*v1alpha1.ReplicaReport{drains("a", "acme", "zero", ptr.To[int64](3)), drains("b", "acme", "one", ptr.To[int64](0))}, 0, false},
		"of another gateway":             {[]*v1alpha1.ReplicaReport{drains("a", "other", "one", ptr.To[int64](3)), drains("b", "acme", "one", ptr.To[int64](0))}, 0, false},
		"without a number":               {[]*v1alpha1.ReplicaReport{drains("a", "acme", "one", nil), drains("b", "acme", "one", ptr.To[int64](0))}, 0, false},
		"of one that is gone": {[]*v1alpha1.ReplicaReport{
			drains("a", "acme", "one", ptr.To[int64](1)), drains("b", "acme", "one", ptr.To[int64](2)), drains("gone", "acme", "one", ptr.To[int64](99)),
		}, 102, false},
		"of one that is gone whose store a live one counts": {[]*v1alpha1.ReplicaReport{
			in("s", drains("a", "acme", "one", ptr.To[int64](1))), in("s", drains("b", "acme", "one", ptr.To[int64](2))), in("s", drains("gone", "acme", "one", ptr.To[int64](99))),
		}, 2, false},
		"of two that are gone from one store": {[]*v1alpha1.ReplicaReport{
			drains("a", "acme", "one", ptr.To[int64](0)), drains("b", "acme", "one", ptr.To[int64](0)),
			in("s", drains("gone", "acme", "one", ptr.To[int64](99))), in("s", drains("gone too", "acme", "one", ptr.To[int64](98))),
		}, 99, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beats("a", "b")
			for _, r := range c.reports {
				w.sawReport(r.Name, r)
			}
			w.mustWait(t, "then", c.total, c.known)
		})
	}
	t.Run("while nobody is live", func(t *testing.T) {
		w := newWorld(t)
		w.drainsAcme("gone", 12)
		w.mustWait(t, "at once", 12, false)
		w.passes(keep)
		w.mustWait(t, "after an hour", 12, false)
	})
	t.Run("of a report that is not of its replica", func(t *testing.T) {
		w := newWorld(t)
		w.beats("a")
		w.drainsAcme("a", 0)
		forged := drains("forged", "acme", "one", ptr.To[int64](99))
		forged.Replica = "a"
		w.sawReport("forged", forged)
		w.mustWait(t, "then", 0, true)
	})
}

// TestAReplicaIsRestartedWhileAGatewayDrains: one with a store of its own has the only copy of what it took.
func TestAReplicaIsRestartedWhileAGatewayDrains(t *testing.T) {
	for name, stop := range map[string]func(w *world){
		"and says so":    func(w *world) { w.stops("b") },
		"without a word": func(w *world) { w.passes(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beats("b")
			w.time = w.time.Add(time.Second)
			w.beats("a")
			w.drainsAcme("a", 0)
			w.drainsAcme("b", 5)
			w.mustWait(t, "while both are live", 5, true)
			stop(w)
			w.beats("a")
			w.mustWait(t, "while it is away", 5, false)
			w.beats("b")
			w.mustWait(t, "when it is back", 5, true)
			w.drainsAcme("b", 0)
			w.mustWait(t, "when it has delivered", 0, true)
		})
	}
}

// TestWhatAReplicaThatIsGoneHasNotSaid: it may have taken notifications since it last reported, or never have reported.
func TestWhatAReplicaThatIsGoneHasNotSaid(t *testing.T) {
	for name, reports := range map[string]func(w *world){
		"because nothing waited": func(w *world) { w.drainsAcme("b", 0) },
		"because it never did":   func(*world) {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beats("a", "b")
			w.drainsAcme("a", 0)
			reports(w)
			w.stops("b")
			w.mustWait(t, "at once", 0, false)
			w.passesWith(Gap-time.Nanosecond, "a")
			w.mustWait(t, "before two minutes are over", 0, false)
			w.passes(time.Nanosecond)
			w.mustWait(t, "after two minutes", 0, true)
		})
	}
}

// TestAnOutageSaysNothingOfWhatAReplicaHasTaken: the one that is heard of first does not speak for the others.
func TestAnOutageSaysNothingOfWhatAReplicaHasTaken(t *testing.T) {
	for name, outage := range map[string]time.Duration{"of some minutes": 5 * time.Minute, "of hours": 2 * keep} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beats("a", "b", "c")
			w.drainsAcme("a", 0)
			w.drainsAcme("b", 5)
			w.server.away = errAway
			w.passes(outage)
			w.beats("a")
			w.mustWait(t, "when the first one is back", 5, false)
			w.drainsAcme("b", 0)
			w.beats("b")
			w.mustWait(t, "when one has never said anything", 0, false)
			w.beats("c")
			w.drainsAcme("c", 0)
			w.mustWait(t, "when all are back", 0, true)
		})
	}
}

// TestWhatAReplicaHasLeftIsForgottenAfterAnHour: else one that never comes back would hold up a deletion for ever.
func TestWhatAReplicaHasLeftIsForgottenAfterAnHour(t *testing.T) {
	w := newWorld(t)
	w.beats("a", "b")
	w.drainsAcme("a", 0)
	w.drainsAcme("b", 5)
	w.stops("b")
	w.passesWith(keep-time.Second, "a")
	w.mustWait(t, "within the hour", 5, false)
	w.passesWith(time.Second, "a")
	w.mustWait(t, "after an hour", 0, true)
	w.stops("a")
	w.mustWait(t, "when the other one has gone too", 5, false)
	w.beats("b")
	w.mustWait(t, "when it is back although nobody hoped for it", 5, false)
}

// TestAReplicaOfASharedStoreThatIsGoneTakesNothingWithIt: when those that are left have had the time to count, the number is known.
func TestAReplicaOfASharedStoreThatIsGoneTakesNothingWithIt(t *testing.T) {
	w := newWorld(t)
	w.beats("a", "b")
	w.sawReport("a", in("s", drains("a", "acme", "one", ptr.To[int64](7))))
	w.sawReport("b", in("s", drains("b", "acme", "one", ptr.To[int64](9))))
	w.mustWait(t, "while both are live", 9, true)
	w.stops("b")
	w.mustWait(t, "at once", 7, false)
	w.passesWith(Gap-time.Nanosecond, "a")
	w.mustWait(t, "before two minutes are over", 7, false)
	w.passes(time.Nanosecond)
	w.mustWait(t, "after two minutes", 7, true)
	w.sawReport("a", in("s", drains("a", "acme", "one", ptr.To[int64](0))))
	w.mustWait(t, "when the other one has delivered them", 0, true)
}

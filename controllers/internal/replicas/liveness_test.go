package replicas

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"

	"github.com/d1gateway/d1gateway/api/serving"
)

func TestARenewalCountsFromWhenItIsSeen(t *testing.T) {
	for name, clock := range map[string]time.Duration{"that goes right": 0, "that is behind": -50 * time.Second, "that is ahead": time.Hour} {
		t.Run("by a clock "+name, func(t *testing.T) {
			w := newWorld(t)
			w.renews("a", w.time.Add(clock), 30)
			if w.Live() != 1 {
				t.Fatal("it is not live")
			}
			w.time = w.time.Add(29 * time.Second)
			w.look(t.Context())
			if w.Live() != 1 {
				t.Error("it is gone before its Lease has ended")
			}
			w.renews("a", w.time.Add(clock), 30)
			w.time = w.time.Add(29 * time.Second)
			w.look(t.Context())
			if w.Live() != 1 {
				t.Error("a renewal did not count")
			}
			w.time = w.time.Add(time.Second)
			w.look(t.Context())
			if w.Live() != 0 {
				t.Error("it is live although its Lease has ended")
			}
		})
	}
}

func TestALeaseThatIsOldWhenItIsFirstSeenIsOfAReplicaThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.renews("gone", w.time.Add(-91*time.Second), 30)
	if w.Live() != 0 {
		t.Error("it counts as live")
	}
	w.renews("slow", w.time.Add(-90*time.Second), 30)
	if w.Live() != 1 {
		t.Error("one that may only have a slow clock does not count")
	}
	w.renews("gone", w.time, 30)
	if w.Live() != 2 {
		t.Error("one that comes back does not count")
	}
}

func TestALeaseThatIsLookedAtAgainIsNotRenewed(t *testing.T) {
	w := newWorld(t)
	at := w.time
	for range 4 {
		w.renews("a", at, 30)
		w.time = w.time.Add(10 * time.Second)
	}
	w.look(t.Context())
	if w.Live() != 0 {
		t.Error("the same renewal counted again")
	}
}

func TestALeaseThatSaysNothingHoldsForHalfAMinute(t *testing.T) {
	for name, spec := range map[string]coordinationv1.LeaseSpec{
		"no duration":       {},
		"a duration of 0":   {LeaseDurationSeconds: ptr.To[int32](0)},
		"one less than 0":   {LeaseDurationSeconds: ptr.To[int32](-5)},
		"no renewal either": {RenewTime: nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := pulse{}.next(&coordinationv1.Lease{Spec: spec}, began)
			if p.duration != defaultDuration {
				t.Errorf("it holds for %s", p.duration)
			}
			if p.beats(began) {
				t.Error("a Lease that was never renewed is a live replica")
			}
		})
	}
}

// TestALeaseHoldsForTwoMinutesAtMost: anybody may write what he likes into the Lease of his server.
func TestALeaseHoldsForTwoMinutesAtMost(t *testing.T) {
	for name, seconds := range map[string]int32{"that says so": 120, "that says a little more": 121, "that says 68 years": math.MaxInt32} {
		t.Run("one "+name, func(t *testing.T) {
			w := newWorld(t)
			w.renews("a", w.time, seconds)
			w.passes(longestDuration - time.Nanosecond)
			if w.Live() != 1 {
				t.Error("it has ended before")
			}
			w.passes(time.Nanosecond)
			if w.Live() != 0 {
				t.Error("it has not ended")
			}
		})
	}
}

func TestALeaseThatIsDeletedIsAReplicaThatHasStopped(t *testing.T) {
	w := newWorld(t)
	w.beats("a", "b")
	w.stops("a")
	if w.Live() != 1 {
		t.Errorf("%d are live", w.Live())
	}
}

// TestTheEndOfALeaseIsSeenInTime runs the tracker's own timers.
func TestTheEndOfALeaseIsSeenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		w.make(time.Now)
		w.start(t)
		ended := make(chan error, 1)
		go func() { ended <- w.Start(t.Context()) }()
		// Two end within a microsecond of each other: neither is missed because the other was looked at.
		w.renews("a", time.Now(), 30)
		time.Sleep(time.Microsecond)
		w.renews("b", time.Now(), 30)
		w.renews("c", time.Now(), 60)
		for name, secrets := range map[string]int{"a": 4, "b": 4, "c": 5} {
			w.serves(name, secrets, 1)
		}
		w.Wait(serving.KindClient, named1("waits"), clientNeed("waits", 5))
		time.Sleep(29 * time.Second)
		synctest.Wait()
		mustCall(t, "before they end", w.clients)
		time.Sleep(time.Second)
		synctest.Wait()
		mustCall(t, "after they have ended", w.clients, "waits")

		time.Sleep(30*time.Second + Gap - time.Millisecond)
		synctest.Wait()
		if s := w.Standing(nil); s.Live != 0 || !s.Gap {
			t.Errorf("a moment after the last one has ended: %+v", s)
		}
		mustCall(t, "in the gap", w.clients, "waits")
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if s := w.Standing(nil); s.Gap {
			t.Errorf("two minutes after the last one has ended: %+v", s)
		}
		mustCall(t, "after the gap, clients", w.clients, "all")
		mustCall(t, "after the gap, gateways", w.gateways, "all")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		mustCall(t, "a day later", w.clients)

		if w.server.asked > int(Gap/askEvery)+2 {
			t.Errorf("the API server was asked %d times", w.server.asked)
		}
		// The next gap is told again.
		w.renews("c", time.Now(), 30)
		time.Sleep(30*time.Second + Gap)
		synctest.Wait()
		mustCall(t, "after the second gap", w.gateways, "all")
	})
}

package faults

import (
	"math/rand/v2"
	"testing"
)

// Every 204 is delivered at least once, however often the server is killed under load, and few are delivered twice.
func TestNothingIsLostToSIGKILL(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			random := newRandom(t)
			w := newWorld(t, e.make(t), 0)
			s := w.start()
			d1 := w.call(64)
			for range *kills {
				w.await("work goes on", w.ledger.after(1+random.Int64N(3000)), s)
				s.kill()
				w.target.point("")
				s = w.start()
			}
			w.await("notifications are accepted after the last kill", w.ledger.acknowledgedAgain(100), s)
			d1.stop()
			w.finish(s)
			s.stop()
			w.wantFewDuplicates(*kills * maxInFlight)
			if d1.refused.Load() > 0 {
				t.Errorf("%d were answered 503", d1.refused.Load())
			}
		})
	}
}

// Two servers share a database and are killed in turn: the one that lives takes all calls, and delivers what the other had accepted.
func TestNothingIsLostWhenTwoServersAreKilledInTurn(t *testing.T) {
	t.Parallel()
	random := newRandom(t)
	w := newWorld(t, newPostgreSQL(t), 0)
	pair := []*server{w.start(), w.startBeside()}
	d1 := w.call(64)
	for i := range *kills {
		w.await("work goes on", w.ledger.after(1+random.Int64N(3000)), pair...)
		killed, other := &pair[i%2], pair[1-i%2]
		w.target.point(other.url)
		(*killed).kill()
		*killed = w.startBeside()
	}
	w.await("notifications are accepted after the last kill", w.ledger.acknowledgedAgain(100), pair...)
	d1.stop()
	w.finish(pair...)
	for _, s := range pair {
		s.stop()
	}
	w.wantFewDuplicates((*kills + 2) * maxInFlight)
	if d1.refused.Load() > 0 {
		t.Errorf("%d were answered 503", d1.refused.Load())
	}
}

// newRandom is a source that the log names, so that a run can be repeated.
func newRandom(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

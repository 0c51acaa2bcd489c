package faults

import (
	"testing"
	"time"
)

// recovery is how soon notifications must be accepted again once the database is back.
const recovery = 15 * time.Second

// mostDuplicates is how many deliveries an outage may repeat: those whose outcome could not be recorded while they were attempted.
const mostDuplicates = 4 * maxInFlight

// outageCallers are few, so that an outage is not over before each has been refused.
const outageCallers = 16

// While PostgreSQL is away D1 gets 503 and nothing else, and once it is back everything goes on by itself.
func TestPostgreSQLIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newPostgreSQL(t), 0)
	s := w.start()
	d1 := w.call(outageCallers)
	database := w.storage.postgres
	for _, how := range []struct {
		name string
		end  func()
	}{
		{"shut down", database.Stop},
		{"killed", database.Kill},
	} {
		w.await("work goes on", w.ledger.after(500), s)
		w.wantOnlyRefusals(d1, how.name, how.end, s)
		if err := database.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wantRecovery(how.name, s)
	}
	w.wantAllDelivered(d1, s)
}

// The same for a network that fails in other ways.
func TestPostgreSQLIsOutOfReach(t *testing.T) {
	t.Parallel()
	direct := newPostgreSQL(t)
	proxy := startFaultProxy(t, direct.postgres.Address())
	w := newWorld(t, direct.through(t, proxy.address), 0)
	s := w.start()
	d1 := w.call(outageCallers)
	for _, fault := range []struct {
		name  string
		begin func()
	}{
		{"connections cut", proxy.cut},
		{"connections hanging", proxy.hang},
	} {
		w.await("work goes on", w.ledger.after(500), s)
		w.wantOnlyRefusals(d1, fault.name, fault.begin, s)
		proxy.heal()
		w.wantRecovery(fault.name, s)
	}
	w.wantAllDelivered(d1, s)
}

// A database that is slow, or whose connections end at any moment, is no outage: what is accepted is delivered.
func TestPostgreSQLIsSlowAndItsConnectionsTear(t *testing.T) {
	t.Parallel()
	const tears = 10
	random := newRandom(t)
	direct := newPostgreSQL(t)
	proxy := startFaultProxy(t, direct.postgres.Address())
	w := newWorld(t, direct.through(t, proxy.address), 0)
	s := w.start()
	d1 := w.call(outageCallers)
	w.await("work goes on", w.ledger.after(500), s)
	proxy.slow(100*time.Millisecond, 50*time.Millisecond)
	w.await("a slow database accepts", w.ledger.acknowledgedAgain(50), s)
	w.await("and delivers", w.ledger.deliveredAgain(50), s)
	proxy.heal()
	before := w.storage.connections(t)
	for range tears {
		w.await("work goes on", w.ledger.after(1+random.Int64N(300)), s)
		proxy.cut()
		proxy.heal()
	}
	if again := w.storage.connections(t) - before; again < tears {
		t.Errorf("%d connections were made after %d cuts", again, tears)
	}
	w.wantRecovery("connections tear", s)
	w.wantAllDelivered(d1, s)
}

// wantOnlyRefusals begins an outage and expects that all calls are answered 503, but for those that were under way when it began.
func (w *world) wantOnlyRefusals(d1 *callers, outage string, begin func(), s *server) {
	w.t.Helper()
	begin()
	before := w.ledger.now().acknowledged
	w.await(outage+": each caller is refused", d1.refusedAgain(outageCallers), s)
	if got := w.ledger.now().acknowledged - before; got > outageCallers {
		w.t.Errorf("%s: %d were accepted while the database was away", outage, got)
	}
}

// wantRecovery expects that work goes on soon.
func (w *world) wantRecovery(outage string, s *server) {
	w.t.Helper()
	began := time.Now()
	w.awaitFor(recovery, outage+": notifications are accepted again", w.ledger.acknowledgedAgain(50), s)
	accepted := time.Since(began)
	w.awaitFor(recovery, outage+": notifications are delivered again", w.ledger.deliveredAgain(50), s)
	w.t.Logf("%s: accepted again after %s, delivered after %s", outage, accepted.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

// wantAllDelivered ends the load and expects that nothing is lost, no call had another answer than 204 and 503, and few were delivered twice.
func (w *world) wantAllDelivered(d1 *callers, s *server) {
	w.t.Helper()
	d1.stop()
	w.finish(s)
	s.stop()
	if broken := d1.broken.Load(); broken > 0 {
		w.t.Errorf("%d calls ended without an answer", broken)
	}
	w.t.Logf("%d were answered 503", d1.refused.Load())
	w.wantFewDuplicates(mostDuplicates)
}

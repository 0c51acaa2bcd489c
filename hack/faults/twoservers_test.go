package faults

import (
	"testing"
	"time"
)

// mostClaims is how many notifications one server has claimed at most, delivering them or about to.
const mostClaims = 4 * maxInFlight

// Two servers share a database. One is killed while it holds claims: the other delivers them once their leases end.
func TestAKilledServersClaimsAreTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newPostgreSQL(t), 0)
	first := w.start()
	second := w.startBeside()
	d1 := w.callEvery(outageCallers, 4*time.Millisecond)
	w.await("work goes on", w.ledger.after(200), first, second)

	held := w.backend.hold(maxInFlight + 1) // more than one server delivers at once: both hold some
	w.await("both hold claims", held, first, second)
	w.target.point(second.url)
	first.kill()
	w.await("the merchant knows that one has gone", w.backend.when(func(held int) bool { return held <= maxInFlight }), second)
	w.backend.release()
	w.await("the other accepts", w.ledger.acknowledgedAgain(100), second)
	w.await("the other delivers", w.ledger.deliveredAgain(100), second)
	d1.stop()
	w.await("only what the killed one has claimed is left", w.ledger.when(func(l *ledger) bool { return l.missing <= mostClaims }), second)
	if w.ledger.now().missing == 0 {
		t.Error("the killed one has claimed nothing: there was nothing to take over")
	}
	w.finish(second)
	second.stop()
	w.wantFewDuplicates(2 * maxInFlight)
}

package delivery

import (
	"fmt"
	"testing"
	"time"
)

func TestAProxyThatFailsIsTriedByOneLaneAtATimeAtDoublingPauses(t *testing.T) {
	p := newProxy()
	now := noon
	next, first := p.failed("a", now, 0)
	if !first || !next.Equal(noon.Add(time.Second)) {
		t.Fatalf("the first fault: %t, next %s", first, next)
	}
	for range 50 { // attempts that were under way as well
		if next, first = p.failed("b", now, 0); first || !next.Equal(noon.Add(time.Second)) {
			t.Fatalf("one of many faults: %t, next %s", first, next)
		}
	}
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 60, 60} {
		_, wait, _ := p.lineUp("a", now)
		if p.takeTurn("a", now.Add(wait-1)) {
			t.Error("a turn before its time")
		}
		now = now.Add(wait)
		if !p.takeTurn("a", now) || p.takeTurn("b", now) {
			t.Fatal("want a turn for one lane")
		}
		if _, wait, _ = p.lineUp("b", now); wait != proxyTurn {
			t.Errorf("others wait %s for its outcome", wait)
		}
		if next, _ = p.failed("a", now, 0); !next.Equal(now.Add(want * time.Second)) {
			t.Errorf("next after %s, want %ds", next.Sub(now), want)
		}
	}
	if failing, wait, _ := p.lineUp("c", now); failing || wait != 0 {
		t.Error("a lane that has not met the fault is held up")
	}
	if next, _ = p.failed("a", now, 1-1e-9); next.Sub(now) > 72*time.Second {
		t.Errorf("jitter makes it %s", next.Sub(now))
	}
}

func TestTheFirstThatPassesTheProxySetsAllFree(t *testing.T) {
	p := newProxy()
	p.failed("a", noon, 0)
	p.failed("b", noon, 0)
	_, _, works := p.lineUp("b", noon)
	later := noon.Add(time.Hour)
	if until, blocked := p.heldUntil("a", later); !until.Equal(later) || blocked {
		t.Errorf("held until %s, %t, while it fails everybody", until, blocked)
	}
	if !p.passed("a", later, later) {
		t.Fatal("not free")
	}
	select {
	case <-works:
	default:
		t.Error("nobody is told")
	}
	for _, lane := range []string{"a", "b"} {
		if failing, wait, _ := p.lineUp(lane, later); failing || wait != 0 {
			t.Errorf("%s waits %s", lane, wait)
		}
		if until, blocked := p.heldUntil(lane, later.Add(time.Hour)); !until.Equal(later) || blocked {
			t.Errorf("%s was held until %s, %t", lane, until, blocked)
		}
	}
	if until, _ := p.heldUntil("c", later); !until.IsZero() {
		t.Error("one that never met it was held")
	}
	if next, first := p.failed("a", later, 0); !first || !next.Equal(later.Add(time.Second)) {
		t.Error("the pauses do not begin anew")
	}
}

func TestALaneThatTheProxyFailsWhileOthersPassHasAPauseOfItsOwn(t *testing.T) {
	p := newProxy()
	for i := range 100 {
		p.failed(fmt.Sprintf("dead-%d", i), noon, 0)
	}
	now := noon.Add(time.Minute)
	if !p.passed("b", now, now) {
		t.Fatal("the proxy does not fail everybody")
	}
	for i := range 100 {
		if until, blocked := p.heldUntil(fmt.Sprintf("dead-%d", i), noon.Add(time.Hour)); !until.Equal(now) || !blocked {
			t.Errorf("held until %s, %t: want until others passed", until, blocked)
		}
	}
	for _, want := range []time.Duration{0, 2, 4, 8, 16, 32, 60, 60} {
		met, wait, _ := p.lineUp("dead-0", now)
		if !met || wait != want*time.Second {
			t.Fatalf("%t, pause of %s, want %ds", met, wait, want)
		}
		if wait > 0 && p.takeTurn("dead-0", now.Add(wait-1)) {
			t.Error("a turn before its time")
		}
		now = now.Add(wait)
		if !p.takeTurn("dead-0", now) {
			t.Error("no turn")
		}
		if next, first := p.failed("dead-0", now, 0); first || next.Before(now) {
			t.Errorf("next at %s, %t", next, first)
		}
	}
	next, first := p.failed("b", now, 0)
	if !first || !next.Equal(now.Add(time.Second)) {
		t.Errorf("one that has just met its first fault waits %s with those that are blocked", next.Sub(now))
	}
	if p.passed("dead-0", now, now); p.blocked["dead-0"] != nil || p.failing["b"] != nil {
		t.Error("one that passed is blocked still")
	}
	p.forget(noon.Add(3 * time.Hour))
	if len(p.blocked) != 0 {
		t.Errorf("%d are remembered for ever", len(p.blocked))
	}
}

func TestALaneThatHasJustMetTheFaultDrawsNoLotsWithThoseThatHaveMetItAllDay(t *testing.T) {
	p := newProxy()
	p.failed("old", noon, 0)
	now := noon
	for range proxyGraces + 1 {
		_, wait, _ := p.lineUp("old", now)
		now = now.Add(wait)
		p.takeTurn("old", now)
		p.failed("old", now, 0)
	}
	p.failed("new", now, 0)
	_, old, _ := p.lineUp("old", now)
	if _, wait, _ := p.lineUp("new", now); wait >= old || wait > longestProxyPause {
		t.Errorf("the new one waits %s, the old one %s", wait, old)
	}
}

func TestWhatStartedBeforeTheProxyFailedDoesNotSayThatItWorks(t *testing.T) {
	p := newProxy()
	p.failed("a", noon, 0)
	after := noon.Add(time.Second)
	for _, lane := range []string{"a", "b"} {
		if p.passed(lane, noon.Add(-time.Second), after) {
			t.Errorf("%s sets free", lane)
		}
	}
	if until, blocked := p.heldUntil("a", after); !until.Equal(after) || blocked {
		t.Errorf("held until %s, %t", until, blocked)
	}
}

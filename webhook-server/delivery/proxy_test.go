package delivery

import (
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
	if !p.passed("a", later) {
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

func TestAProxyThatFailsOneDestinationHoldsNoOther(t *testing.T) {
	p := newProxy()
	p.failed("a", noon, 0)
	for i := range 10 {
		if p.passed("b", noon.Add(time.Duration(i+1)*time.Minute)) {
			t.Fatal("another lane's success sets it free, so that it would be tried at that one's rate")
		}
	}
	if failing, _, _ := p.lineUp("a", noon); !failing {
		t.Error("it does not fail any more")
	}
	if until, blocked := p.heldUntil("a", noon.Add(time.Hour)); !until.Equal(noon.Add(time.Minute)) || !blocked {
		t.Errorf("held until %s, %t: want until others passed", until, blocked)
	}
}

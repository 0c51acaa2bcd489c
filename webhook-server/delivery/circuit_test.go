package delivery

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// failing is the circuit after so many failures in a row, the first at noon and the last that much later.
func failing(failures int, lasted time.Duration) circuit {
	var c circuit
	for range failures - 1 {
		c = c.failed(noon, noon)
	}
	return c.failed(noon.Add(lasted), noon.Add(lasted))
}

func TestWhatManyFailuresInSomeTimeMakeOfACircuit(t *testing.T) {
	for name, test := range map[string]struct {
		failures      int
		lasted        time.Duration
		suspect, open bool
	}{
		"a few failures within an hour":              {failures: suspectAfter - 1, lasted: time.Hour},
		"five failures at once":                      {failures: suspectAfter, suspect: true},
		"hundreds of failures in less than the time": {failures: 500, lasted: opensAfter - time.Millisecond, suspect: true},
		"five failures, the last after the time":     {failures: suspectAfter, lasted: opensAfter, open: true},
		"hundreds of failures, the last after it":    {failures: 500, lasted: opensAfter, open: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := failing(test.failures, test.lasted)
			if c.isSuspect() != test.suspect || c.isOpen() != test.open {
				t.Errorf("suspect %t, open %t: %+v", c.isSuspect(), c.isOpen(), c)
			}
		})
	}
}

func TestHowManyAttemptsACircuitAdmits(t *testing.T) {
	for name, test := range map[string]struct {
		circuit        circuit
		none, six, all int // of 7 while none, six or all are under way
	}{
		"closed":  {none: 7, six: 1},
		"suspect": {circuit: failing(suspectAfter, 0), none: 1, six: 1},
		"open":    {circuit: failing(suspectAfter, opensAfter), none: 1},
	} {
		t.Run(name, func(t *testing.T) {
			for underWay, want := range map[int]int{0: test.none, 6: test.six, 7: test.all, 9: test.all} {
				if got := test.circuit.admits(7, underWay); got != want {
					t.Errorf("%d while %d are under way, want %d", got, underWay, want)
				}
			}
		})
	}
}

func TestAttemptsOfASuspectLaneAreSpaced(t *testing.T) {
	if got := failing(suspectAfter-1, 0).began(noon).wait(noon); got != 0 {
		t.Errorf("waits %s after four failures", got)
	}
	c := failing(suspectAfter, 0)
	if got := c.wait(noon); got != 0 {
		t.Errorf("waits %s before the first of them", got)
	}
	if got := c.began(noon).wait(noon); got != spacing {
		t.Errorf("waits %s after one has started, want %s", got, spacing)
	}
	if got := c.paused(time.Second, noon).began(noon).wait(noon); got != time.Second {
		t.Errorf("waits %s, want what the destination asked for", got)
	}
}

func TestProbesOfAnOpenCircuitComeAtDoublingPauses(t *testing.T) {
	c := failing(suspectAfter, opensAfter)
	now := noon.Add(opensAfter)
	if got := c.wait(now); got != time.Second {
		t.Fatalf("first pause of %s", got)
	}
	if late := c.failed(noon, now); late != c {
		t.Error("an attempt that started before the circuit opened lengthened the pause")
	}
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60} {
		now = c.notBefore
		c = c.began(now).failed(now, now)
		if got := c.wait(now); got != want*time.Second {
			t.Errorf("pause of %s, want %ds", got, want)
		}
	}
}

func TestAProbeIsChosenOnceInAPause(t *testing.T) {
	if (circuit{}).choosesProbe() || failing(suspectAfter, 0).choosesProbe() {
		t.Error("a closed circuit has no probe")
	}
	c := failing(suspectAfter, opensAfter)
	if !c.choosesProbe() {
		t.Error("not chosen after the circuit opened")
	}
	if c = c.began(c.notBefore); c.choosesProbe() {
		t.Error("chosen again in the same pause")
	}
	if c = c.failed(c.notBefore, c.notBefore); !c.choosesProbe() {
		t.Error("not chosen in the next pause")
	}
}

func TestASuccessResetsTheStreak(t *testing.T) {
	for name, c := range map[string]circuit{"suspect": failing(suspectAfter, 0), "open": failing(suspectAfter, opensAfter)} {
		if c.succeeded() != (circuit{}) {
			t.Errorf("%s: %+v", name, c.succeeded())
		}
	}
	late := noon.Add(opensAfter)
	c := failing(suspectAfter, 0).succeeded()
	for range suspectAfter {
		c = c.failed(late, late)
	}
	if c.isOpen() || !c.isSuspect() {
		t.Errorf("failures before the success count still: %+v", c)
	}
}

func TestRetryAfterPausesALaneForAtMostAMinute(t *testing.T) {
	if got := (circuit{}).paused(time.Hour, noon).wait(noon); got != time.Minute {
		t.Errorf("an hour's Retry-After pauses the lane for %s", got)
	}
	if got := (circuit{}).paused(time.Second, noon); got.isOpen() || got.wait(noon) != time.Second {
		t.Errorf("a second's Retry-After: %+v", got)
	}
}

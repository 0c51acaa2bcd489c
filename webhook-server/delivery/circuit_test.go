package delivery

import (
	"testing"
	"time"
)

func TestCircuit(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var c circuit
	for i := range opensAfter {
		if c.isOpen() || c.limit(7) != 7 || c.wait(now) != 0 {
			t.Fatalf("after %d failures: %+v", i, c)
		}
		c = c.failed(now, now)
	}
	if !c.isOpen() || c.limit(7) != 1 || c.wait(now) != time.Second {
		t.Fatalf("after %d failures: %+v", opensAfter, c)
	}
	if late := c.failed(now.Add(-time.Minute), now); late != c {
		t.Error("an attempt that started before the circuit opened lengthened the pause")
	}
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60} {
		now = c.notBefore
		c = c.failed(now, now)
		if got := c.wait(now); got != want*time.Second {
			t.Errorf("pause of %s, want %ds", got, want)
		}
	}
	if c.succeeded() != (circuit{}) {
		t.Error("a success did not close the circuit")
	}
	if got := (circuit{}).paused(time.Hour, now).wait(now); got != time.Minute {
		t.Errorf("an hour's Retry-After pauses the lane for %s", got)
	}
	if got := (circuit{}).paused(time.Second, now); got.isOpen() || got.wait(now) != time.Second {
		t.Errorf("a second's Retry-After: %+v", got)
	}
}

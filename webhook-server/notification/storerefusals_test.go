package notification

import (
	"testing"
	"time"
)

func TestAnOutageOfTheStoreIsLoggedOnceAndThenCounted(t *testing.T) {
	var s storeRefusals
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if logs, unlogged := s.refused(now); !logs || unlogged != 0 {
		t.Fatal("the first one is not logged")
	}
	for range 999 {
		if logs, _ := s.refused(now.Add(refusalsInterval - 1)); logs {
			t.Fatal("one more is logged")
		}
	}
	if logs, unlogged := s.refused(now.Add(refusalsInterval)); !logs || unlogged != 999 {
		t.Errorf("logged: %t, %d", logs, unlogged)
	}
	s.refused(now.Add(refusalsInterval + 1))
	if n := s.taken(now.Add(refusalsInterval + 2)); n != 0 {
		t.Error("a store that takes every second one fills the log")
	}
	if n := s.taken(now.Add(2 * refusalsInterval)); n != 1 {
		t.Errorf("%d were not logged", n)
	}
	if n := s.taken(now.Add(4 * refusalsInterval)); n != 0 {
		t.Errorf("%d are told twice", n)
	}
	if logs, unlogged := s.refused(now.Add(5 * refusalsInterval)); !logs || unlogged != 0 {
		t.Error("the next outage does not begin with a line")
	}
}

package sqlite

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// die gives so many due notifications of the lane up.
func die(t *testing.T, s *Store, lane string, now time.Time, count int) {
	t.Helper()
	claimed, err := s.Claim(t.Context(), lane, now, count, time.Minute)
	if err != nil || len(claimed) != count {
		t.Fatalf("claimed %d, %v", len(claimed), err)
	}
	for _, d := range claimed {
		if err := s.Record(t.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Dead, Reason: "gone", At: now}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeadLettersAreFoundEitherWay: by their index while they are few, and run by run once they are many. What is counted for that follows each change and a restart.
func TestDeadLettersAreFoundEitherWay(t *testing.T) {
	s, _ := openWith(t, 0)
	const rows, few, many = runs.Rows + 300, 100, 1000
	all := appendJumping(t, s, rows)
	now := all[0].ReceivedAt.Add(time.Hour)
	dead := 0
	check := func(byIndex bool) {
		t.Helper()
		if got := s.searchFor(store.Filter{State: store.Dead}).atOnce; got != byIndex {
			t.Errorf("%d of %d are dead; by the index: %v", s.writer.final.dead, s.writer.final.rows, got)
		}
		var found []store.Record
		for f := (store.Filter{State: store.Dead, Limit: 90}); ; f.After = found[len(found)-1].ID {
			page, err := s.List(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if found = append(found, page...); len(page) < 90 {
				break
			}
		}
		n, err := s.Count(t.Context(), store.Filter{State: store.Dead})
		if err != nil || n != dead || len(found) != dead {
			t.Errorf("counted %d, listed %d, %v; want %d", n, len(found), err, dead)
		}
		if !slices.IsSortedFunc(found, func(a, b store.Record) int { return b.ReceivedAt.Compare(a.ReceivedAt) }) {
			t.Error("they are listed in another order")
		}
	}
	check(true)
	dead = few
	die(t, s, "lane_0", now, few)
	check(true)
	dead += many
	die(t, s, "lane_1", now, many)
	check(false)
	for _, want := range []int{many - few, 0} { // the newest of lane_1 stay, and are replayed a step at a time
		if n, err := s.Replay(t.Context(), store.Filter{State: store.Dead, Lane: "lane_1"}, now.Add(time.Minute), many-few); n > want+few || err != nil {
			t.Fatalf("replayed %d, %v", n, err)
		} else {
			dead -= n
		}
	}
	check(true)
	if n, err := s.Prune(t.Context(), store.Dead, now.Add(time.Minute), 1000); n != dead || err != nil {
		t.Fatalf("pruned %d, %v; want %d", n, err, dead)
	}
	dead = 0
	check(true)
	if want := (finalCounts{rows: rows - few}); s.writer.final != want {
		t.Errorf("counted %+v, want %+v", s.writer.final, want)
	}
	die(t, s, "lane_0", now.Add(time.Minute), 500)
	dead = 500
	check(false)
	path := s.path
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Options{Path: path, Logger: s.log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if got, want := fmt.Sprintf("%+v", again.writer.final), fmt.Sprintf("%+v", s.writer.final); got != want {
		t.Errorf("opened again it counts %s, not %s", got, want)
	}
	s = again
	check(false)
}

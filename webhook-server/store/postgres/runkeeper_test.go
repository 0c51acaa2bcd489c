package postgres

import (
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// countRuns answers how many runs are open and closed.
func countRuns(t *testing.T, s *Store) (open, closed int) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM open_run), (SELECT count(*) FROM run)").Scan(&open, &closed); err != nil {
		t.Fatal(err)
	}
	return open, closed
}

func TestRunsAreClosedWhenTheyAreFullAndAtTheEnd(t *testing.T) {
	databaseURL := server.Database(t)
	s, observer := openAt(t, databaseURL), openAt(t, databaseURL)
	first := storetest.LoadNotification(0)
	if _, err := s.Append(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.AppendLoad(t.Context(), s, 64, 2*runs.Rows); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		_, closed := countRuns(t, observer)
		return closed > 0
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var covered int
	if err := observer.pool.QueryRow(t.Context(), "SELECT coalesce(sum(length(by_id)), 0) / 4 FROM run").Scan(&covered); err != nil || covered != 2*runs.Rows+1 {
		t.Errorf("the closed runs cover %d rows, %v", covered, err)
	}
	if open, _ := countRuns(t, observer); open > 1 { // the observer's spare
		t.Errorf("%d runs are open", open)
	}
	if found, err := observer.List(t.Context(), store.Filter{TokenID: first.TokenID}); err != nil || len(found) != 1 || found[0].ID != first.ID {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestTheRunsOfAReplicaThatHasGoneAreClosedByAnother(t *testing.T) {
	s := openImpatient(t, Options{URL: server.Database(t)})
	const gone = 1000
	record := store.Record{Notification: storetest.LoadNotification(1), State: store.Waiting}
	plant(t, s, gone, []store.Record{record})
	execute(t, s, "UPDATE open_run SET renewed_at = now() - interval '1 hour' WHERE number = 1000")
	waitFor(t, func() bool {
		var left int
		if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM open_run WHERE number = $1", gone).Scan(&left); err != nil {
			t.Fatal(err)
		}
		return left == 0
	})
	if got, err := s.Get(t.Context(), record.ID); err != nil || got.ID != record.ID {
		t.Errorf("got %v, %v", got.ID, err)
	}
}

func TestAnInserterWhoseRunWasClosedGoesOnInAnother(t *testing.T) {
	s := openForTest(t)
	var all []string
	for i := range 20 {
		n := storetest.LoadNotification(i)
		if _, err := s.Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		all = append(all, n.ID)
		if i%5 != 4 {
			continue
		}
		for number := range int64(30) { // as if this process had been taken for gone
			if err := s.closeRun(t.Context(), number); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, id := range all {
		if _, err := s.Get(t.Context(), id); err != nil {
			t.Errorf("getting %s: %v", id, err)
		}
	}
}

func TestAnInserterMovesToTheNextRunWithoutLosingAny(t *testing.T) {
	s := openForTest(t)
	if _, err := storetest.AppendLoad(t.Context(), s, 200, 3*runs.Rows); err != nil {
		t.Fatal(err)
	}
	count, err := s.Count(t.Context(), store.Filter{State: store.Waiting})
	if err != nil || count != 3*runs.Rows {
		t.Errorf("%d wait, %v", count, err)
	}
}

// After a failover that has lost the newest transactions the sequence gives their numbers again.
func TestARunThatHasTheNumberOfALostOneIsNotMixedUpWithIt(t *testing.T) {
	s := openForTest(t)
	mustAppend(t, s, due("msg_1", "a/b/c"))
	execute(t, s, "DELETE FROM notification; UPDATE open_run SET owner = owner / 2") // they are another replica's now
	var lost []int64
	if err := s.pool.QueryRow(t.Context(), "SELECT array_agg(number) FROM open_run").Scan(&lost); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, due("msg_2", "a/b/c"))
	var inLost int
	if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM notification WHERE seq / 4096 = ANY($1)", lost).Scan(&inLost); err != nil || inLost != 0 {
		t.Errorf("%d were put into another's run, %v", inLost, err)
	}
	if _, err := s.Get(t.Context(), "msg_2"); err != nil {
		t.Error(err)
	}
}

package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// countRuns counts the rows of the run table.
func countRuns(t *testing.T, s *Store) (count int) {
	t.Helper()
	if err := s.readers.urgent.QueryRowContext(t.Context(), "SELECT count(*) FROM run").Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

func TestRunsGoWithTheirLastRow(t *testing.T) {
	s, _ := openWith(t, 0)
	if _, err := storetest.AppendLoad(t.Context(), s, 64, 2*runs.Rows); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return s.writer.index.until.Load() == 2*runs.Rows-1 })
	if got := countRuns(t, s); got != 2*int(runs.Fields) {
		t.Fatalf("%d blobs, want two runs of %d", got, runs.Fields)
	}
	if err := s.writer.do(t.Context(), &op{apply: func(w *writer) error {
		_, err := w.conn.ExecContext(context.Background(), "UPDATE notification SET state = 'Delivered', last_attempt = seq")
		return err
	}}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ prune, blobs int }{
		{runs.Rows - 2, 2 * int(runs.Fields)}, // seq counts from 1: one row is left in the first run
		{1, int(runs.Fields)},
		{runs.Rows + 1, 0},
	} {
		if n, err := s.Prune(t.Context(), store.Delivered, time.Now(), step.prune); err != nil || n != step.prune {
			t.Fatalf("pruned %d of %d, %v", n, step.prune, err)
		}
		if got := countRuns(t, s); got != step.blobs {
			t.Errorf("%d blobs are left, want %d", got, step.blobs)
		}
	}
}

func TestARunThatWasNotWrittenIsMadeUpFor(t *testing.T) {
	s, _ := openWith(t, 0)
	if err := s.writer.do(t.Context(), &op{apply: func(w *writer) error {
		w.index.retryAt = never // as after failures
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	first := storetest.LoadNotification(1)
	if _, err := s.Append(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.AppendLoad(t.Context(), s, 64, 2*runs.Rows); err != nil {
		t.Fatal(err)
	}
	if got := countRuns(t, s); got != 0 {
		t.Fatalf("%d blobs were written", got)
	}
	wantFound(t, s, first)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, err := Open(t.Context(), Options{Path: s.path, Logger: s.log})
	if err != nil {
		t.Fatal(err)
	}
	wantFound(t, s, first)
	for range 2 { // each commit is followed by one run
		if _, err := s.Append(t.Context(), storetest.LoadNotification(2)); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { return s.writer.index.until.Load() == 2*runs.Rows-1 })
	wantFound(t, s, first)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantFound(t *testing.T, s *Store, n store.Notification) {
	t.Helper()
	for _, f := range []store.Filter{{TokenID: n.TokenID}, {CorrelationID: n.CorrelationID}, {TokenID: n.TokenID, MerchantID: n.MerchantID}} {
		list, err := s.List(t.Context(), f)
		if err != nil || len(list) != 1 || list[0].ID != n.ID {
			t.Errorf("%+v: %d found, %v", f, len(list), err)
		}
	}
	if _, err := s.Get(t.Context(), n.ID); err != nil {
		t.Errorf("getting %s: %v", n.ID, err)
	}
}

package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// TestEveryCommitIsFlushed: with less than FULL, a power cut loses what was acknowledged, and no test that only kills the process would tell.
func TestEveryCommitIsFlushed(t *testing.T) {
	s, _ := openWith(t, 0)
	const full = 2
	var synchronous int
	if err := s.writer.do(t.Context(), &op{apply: func(w *writer) error {
		return w.conn.QueryRowContext(context.Background(), "PRAGMA synchronous").Scan(&synchronous)
	}}); err != nil || synchronous != full {
		t.Errorf("synchronous is %d, %v", synchronous, err)
	}
}

func TestNothingIsAcknowledgedOnceTheFileHasMoved(t *testing.T) {
	var seconds atomic.Int64
	path := filepath.Join(t.TempDir(), "store.db")
	quiet, _ := openWith(t, 0)
	s, err := Open(t.Context(), Options{Path: path, Logger: quiet.log, Now: func() time.Time { return time.Unix(seconds.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Append(t.Context(), storetest.LoadNotification(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	seconds.Add(2)
	if _, err := s.Append(t.Context(), storetest.LoadNotification(2)); !errors.Is(err, errMoved) {
		t.Errorf("appending: %v", err)
	}
}

// TestALeaseThatEndsWhileItsOutcomeFailsGivesTheNotificationBack: otherwise it would wait until a restart.
func TestALeaseThatEndsWhileItsOutcomeFailsGivesTheNotificationBack(t *testing.T) {
	s, _ := openWith(t, 0)
	n := storetest.LoadNotification(1)
	if _, err := s.Append(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	claimed, err := s.Claim(t.Context(), n.Lane, n.ReceivedAt, 1, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %v, %v", claimed, err)
	}
	var recording error
	later := n.ReceivedAt.Add(time.Hour)
	record := func() {
		recording = s.Record(t.Context(), store.Outcome{ID: n.ID, Lease: claimed[0].Lease, State: store.Delivered, At: n.ReceivedAt})
	}
	leaseEnds := func() {
		if due, err := s.DueLanes(t.Context(), later); err != nil || len(due) > 0 {
			t.Errorf("while its outcome is being recorded, due is %v, %v", due, err)
		}
		failing(s)()
	}
	together(t, s, record, leaseEnds)
	if !errors.Is(recording, errBroken) {
		t.Errorf("recording: %v", recording)
	}
	if due, err := s.DueLanes(t.Context(), later); err != nil || !slices.Equal(due, []string{n.Lane}) {
		t.Errorf("due lanes %v, %v", due, err)
	}
	again, err := s.Claim(t.Context(), n.Lane, later, 1, time.Minute)
	if err != nil || len(again) != 1 || again[0].Lease == claimed[0].Lease {
		t.Errorf("claimed again %v, %v", again, err)
	}
}

// TestARestartAtTheEndOfARun: the next row is the first of the next run, for no row is behind the runs to count on from.
func TestARestartAtTheEndOfARun(t *testing.T) {
	s, _ := openWith(t, 0)
	first := storetest.LoadNotification(1)
	if _, err := s.Append(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.AppendLoad(t.Context(), s, 64, runs.Rows-2); err != nil { // seq counts from 1
		t.Fatal(err)
	}
	waitFor(t, func() bool { return s.writer.index.until.Load() == runs.Rows-1 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Path: s.path, Logger: s.log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if s.writer.nextSeq != runs.Rows {
		t.Errorf("the next row gets %d, not %d", s.writer.nextSeq, runs.Rows)
	}
	next := storetest.LoadNotification(2)
	if _, err := s.Append(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	wantFound(t, s, first)
	wantFound(t, s, next)
	if n, err := s.Count(t.Context(), store.Filter{}); n != runs.Rows || err != nil {
		t.Errorf("%d are stored, %v; want %d", n, err, runs.Rows)
	}
}

package sqlite

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// SQLite itself says that the file is full: the whole batch fails, the store recovers once there is room.
func TestAFullDatabaseFailsTheBatchAndRecovers(t *testing.T) {
	s, commits := openWith(t, 0)
	changeLimit(t, s, "PRAGMA max_page_count = 60")
	stored := fill(t, s)
	if err := s.Check(t.Context()); !errors.Is(err, store.ErrFull) {
		t.Errorf("checking a full store: %v", err)
	}
	changeLimit(t, s, "PRAGMA max_page_count = 1073741823")
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("checking with room again: %v", err)
	}
	if _, err := s.Append(t.Context(), storetest.LoadNotification(1)); err != nil {
		t.Errorf("appending with room again: %v", err)
	}
	waiting := 0
	for _, lane := range s.queue.stats() {
		waiting += lane.Waiting
	}
	if waiting != stored+1 {
		t.Errorf("%d wait, want the %d acknowledged", waiting, stored+1)
	}
	if !slices.ContainsFunc(commits(), func(c store.Commit) bool { return errors.Is(c.Err, store.ErrFull) }) {
		t.Error("the observer was not told of the failure")
	}
}

// changeLimit runs the pragma in the writer, whose connection has the limit.
func changeLimit(t *testing.T, s *Store, pragma string) {
	t.Helper()
	err := s.writer.do(t.Context(), &op{apply: func(w *writer) error {
		_, err := w.conn.ExecContext(context.Background(), pragma)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// fill appends until the store is full and says how many it took.
func fill(t *testing.T, s *Store) int {
	t.Helper()
	for stored := range 100_000 {
		_, err := s.Append(t.Context(), storetest.LoadNotification(stored))
		if errors.Is(err, store.ErrFull) {
			return stored
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("never full")
	return 0
}

func TestMaxBytesRefusesAppendsUntilPruned(t *testing.T) {
	s, _ := openWith(t, 128<<10)
	stored := fill(t, s)
	if err := s.Check(t.Context()); !errors.Is(err, store.ErrFull) {
		t.Errorf("checking a full store: %v", err)
	}
	revocation := store.Revocation{GatewayID: "MGW_000001", JTI: "1", ExpiresAt: time.Now()}
	if err := s.Revoke(t.Context(), revocation); !errors.Is(err, store.ErrFull) {
		t.Errorf("revoking in a full store: %v", err)
	}
	at := time.Now().Add(time.Minute)
	for _, lane := range s.queue.stats() {
		claimed, err := s.Claim(t.Context(), lane.Lane, at, stored, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range claimed {
			if err := s.Record(t.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: at}); err != nil {
				t.Fatalf("a full store still records outcomes: %v", err)
			}
		}
	}
	if n, err := s.Prune(t.Context(), store.Delivered, at.Add(time.Second), stored); err != nil || n != stored {
		t.Fatalf("pruned %d of %d, %v", n, stored, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("checking with room again: %v", err)
	}
	if _, err := s.Append(t.Context(), storetest.LoadNotification(1)); err != nil {
		t.Errorf("appending with room again: %v", err)
	}
	if err := s.Revoke(t.Context(), revocation); err != nil {
		t.Errorf("revoking with room again: %v", err)
	}
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// occupy takes all connections of a pool until the test ends, as searches do that last.
func occupy(t *testing.T, db *sql.DB) {
	t.Helper()
	for range db.Stats().MaxOpenConnections {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// TestNothingUrgentWaitsForSearches: one tenant's expensive searches would hold up the deliveries of all.
func TestNothingUrgentWaitsForSearches(t *testing.T) {
	s, _ := openWith(t, 0)
	all := appendJumping(t, s, 20)
	now := all[0].ReceivedAt.Add(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // what waits for a held connection never comes back without
	defer cancel()
	delivering := func() {
		t.Helper()
		claimed, err := s.Claim(ctx, "lane_0", now, 1, time.Minute)
		if err != nil || len(claimed) != 1 {
			t.Fatalf("claimed %v, %v", claimed, err)
		}
		if d, err := s.ClaimProbe(ctx, "lane_1", now, time.Minute); err != nil || d == nil {
			t.Errorf("claimed %v, %v to probe", d, err)
		}
		if _, _, err := s.NextDue(ctx, now); err != nil {
			t.Error(err)
		}
		if _, err := s.Pauses(ctx); err != nil {
			t.Error(err)
		}
		if _, _, err := s.Revocations(ctx, 0); err != nil {
			t.Error(err)
		}
	}
	occupy(t, s.readers.searching)
	delivering()
	if n, err := s.Replay(ctx, store.Filter{State: store.Waiting}, now.Add(-30*time.Minute), 100); err != nil {
		t.Errorf("replayed %d, %v", n, err)
	}
	if _, err := s.Get(ctx, "msg_1"); err != nil {
		t.Error(err)
	}
	for _, f := range []store.Filter{{ID: "msg_1"}, {TokenID: "tok_1"}, {CorrelationID: "c-1"}, {TokenID: "tok_1", State: store.Waiting}, {TokenID: "tok_1", State: store.Delivered}} {
		if _, err := s.List(ctx, f); err != nil {
			t.Errorf("listing %+v: %v", f, err)
		}
		if _, err := s.Count(ctx, f); err != nil {
			t.Errorf("counting %+v: %v", f, err)
		}
	}
	occupy(t, s.readers.lookups)
	occupy(t, s.readers.choosing)
	delivering()
}

func TestASearchEndsWithItsContextBetweenTwoParts(t *testing.T) {
	s, _ := openWith(t, 0)
	appendJumping(t, s, 2*runs.Rows+300)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	parts := 0
	err := s.walk(ctx, s.readers.searching, searchFor(store.Filter{}), func(*sql.Tx, part) (bool, error) {
		parts++
		cancel()
		return true, nil
	})
	if !errors.Is(err, context.Canceled) || parts != 1 {
		t.Errorf("%d parts, %v", parts, err)
	}
}

// TestASearchEndsWithItsContextInAStatement: dead letters are read by one statement, however many there are.
func TestASearchEndsWithItsContextInAStatement(t *testing.T) {
	s, _ := openWith(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.walk(ctx, s.readers.searching, searchFor(store.Filter{State: store.Dead}), func(tx *sql.Tx, _ part) (bool, error) {
		var endless int
		return false, tx.QueryRowContext(ctx, "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n").Scan(&endless)
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
	if n, err := s.Count(t.Context(), store.Filter{}); n != 0 || err != nil {
		t.Errorf("then %d, %v", n, err)
	}
}

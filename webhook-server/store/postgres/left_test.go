package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestASearchThatIsLeftEndsInTheServerToo: otherwise those who ask and leave would have it compute for nobody.
func TestASearchThatIsLeftEndsInTheServerToo(t *testing.T) {
	s := openAt(t, server.Database(t))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	const asks = "SELECT pg_sleep(600)"
	err := s.reading(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, asks)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
	patience, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for left := 1; left > 0; {
		if err := s.writers.QueryRow(patience, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = $1", asks).Scan(&left); err != nil {
			t.Fatalf("the server still computes: %v", err)
		}
	}
}

package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Check implements store.Store. It commits something and waits until it is durable, so it fails when the server is only a standby, and with the context's error when a commit hangs.
// After a failed commit it also asks for new pages, as appends do: the answer becomes healthy as soon as there is room again.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.bounds.answer)
	defer cancel()
	var batch pgx.Batch
	batch.Queue("UPDATE store SET checked_at = now()")
	if s.failing.Load() {
		batch.Queue("INSERT INTO probe SELECT repeat(md5(i::text), 50) FROM generate_series(1, 64) i")
		batch.Queue("DELETE FROM probe")
	}
	if err := s.writers.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("checking the store: %w", asStoreError(err))
	}
	s.tellRecovery()
	return nil
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// restore reads from the file what the writer and the queue keep in memory.
func (s *Store) restore(ctx context.Context) error {
	if err := s.writer.restore(ctx); err != nil {
		return fmt.Errorf("reading where the table ends: %w", err)
	}
	until := s.writer.index.reached
	for _, part := range []struct {
		where string
		args  []any
	}{
		{"INDEXED BY notification_by_state WHERE indexed = 1 AND state = ?", []any{string(store.Waiting)}},
		{"NOT INDEXED WHERE seq > ? AND state = ?", []any{until, string(store.Waiting)}},
	} {
		if err := s.restoreWaiting(ctx, part.where, part.args); err != nil {
			return fmt.Errorf("reading what waits: %w", err)
		}
	}
	for _, part := range []struct {
		where string
		args  []any
	}{
		{"INDEXED BY notification_by_state WHERE indexed = 1 AND state = ?", []any{string(store.Dead)}},
		{"NOT INDEXED WHERE seq > ? AND state = ?", []any{until, string(store.Dead)}},
	} {
		if err := s.restoreDead(ctx, part.where, part.args); err != nil {
			return fmt.Errorf("counting dead letters: %w", err)
		}
	}
	return nil
}

// restore finds the next seq and how far the indexes reach. Both look only at the newest rows.
func (w *writer) restore(ctx context.Context) error {
	if err := w.conn.QueryRowContext(ctx, "PRAGMA page_size").Scan(&w.pageSize); err != nil {
		return err
	}
	var last sql.NullInt64
	if err := w.conn.QueryRowContext(ctx, "SELECT max(seq) FROM notification").Scan(&last); err != nil {
		return err
	}
	w.nextSeq = last.Int64 + 1
	err := w.conn.QueryRowContext(ctx, "SELECT seq FROM notification NOT INDEXED WHERE indexed = 1 ORDER BY seq DESC LIMIT 1").Scan(&w.index.reached)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	w.index.committed()
	return nil
}

func (s *Store) restoreWaiting(ctx context.Context, where string, args []any) error {
	// #nosec G202 -- where is one of the constants above
	rows, err := s.readers.QueryContext(ctx, "SELECT lane, next_attempt, seq, received_at FROM notification "+where, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		var lane string
		var w waiting
		if err := rows.Scan(&lane, &w.due, &w.seq, &w.received); err != nil {
			return errors.Join(err, rows.Close())
		}
		s.queue.push(lane, w)
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (s *Store) restoreDead(ctx context.Context, where string, args []any) error {
	// #nosec G202 -- where is one of the constants above
	rows, err := s.readers.QueryContext(ctx, "SELECT lane, count(*) FROM notification "+where+" GROUP BY lane", args...)
	if err != nil {
		return err
	}
	type laneCount struct {
		lane  string
		count int
	}
	counts, err := scanAll(rows, func(c *laneCount) []any { return []any{&c.lane, &c.count} })
	for _, c := range counts {
		s.queue.addDead(c.lane, c.count)
	}
	return err
}

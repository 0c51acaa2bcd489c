package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// restore reads from the file what the writer and the queue keep in memory.
func (s *Store) restore(ctx context.Context) error {
	if err := s.writer.restore(ctx); err != nil {
		return fmt.Errorf("reading where the table ends: %w", err)
	}
	if err := s.restoreWaiting(ctx); err != nil {
		return fmt.Errorf("reading what waits: %w", err)
	}
	if err := s.restoreDead(ctx); err != nil {
		return fmt.Errorf("counting dead letters: %w", err)
	}
	return nil
}

// restore finds the next seq and how far the index reaches. Both look only at the newest rows. The next seq is after every run in the
// file, also one whose rows are gone, so that no run gets other rows.
func (w *writer) restore(ctx context.Context) error {
	if err := w.conn.QueryRowContext(ctx, "PRAGMA page_size").Scan(&w.pageSize); err != nil {
		return err
	}
	if err := w.index.restore(ctx, w); err != nil {
		return err
	}
	w.nextSeq = w.index.until.Load() + 1
	if rows := w.index.newest; len(rows) > 0 {
		w.nextSeq = rows[len(rows)-1].seq + 1
	}
	return nil
}

func (s *Store) restoreWaiting(ctx context.Context) error {
	rows, err := s.readers.QueryContext(ctx,
		"SELECT lane, next_attempt, seq, received_at FROM notification INDEXED BY notification_waiting WHERE state = 'Waiting'")
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

func (s *Store) restoreDead(ctx context.Context) error {
	rows, err := s.readers.QueryContext(ctx,
		"SELECT lane, count(*) FROM notification INDEXED BY notification_final WHERE state <> 'Waiting' AND state = 'Dead' GROUP BY lane")
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

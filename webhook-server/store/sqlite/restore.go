package sqlite

import (
	"context"
	"database/sql"
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
	if err := s.restoreFinal(ctx); err != nil {
		return fmt.Errorf("counting what is final: %w", err)
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

// restoreWaiting reads little of each row, for there may be a million, and more only of those that are keyed.
func (s *Store) restoreWaiting(ctx context.Context) error {
	const from = " FROM notification INDEXED BY notification_waiting WHERE state = 'Waiting'"
	rows, err := s.readers.urgent.QueryContext(ctx, "SELECT lane, next_attempt, received_at, seq << ?1 | min(attempts, ?2), ordered OR merge"+from, attemptBits, mostAttempts)
	if err != nil {
		return err
	}
	anyKeyed := false
	lanes := map[string]string{}
	for rows.Next() {
		var lane sql.RawBytes
		var w waiting
		var isKeyed bool
		if err := rows.Scan(&lane, &w.due, &w.received, &w.rank, &isKeyed); err != nil {
			return errors.Join(err, rows.Close())
		}
		s.writer.final.rows++
		if isKeyed {
			anyKeyed = true
			continue
		}
		name, known := lanes[string(lane)]
		if !known {
			name = string(lane)
			lanes[name] = name
		}
		s.queue.enter(name, w, keyed{})
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || !anyKeyed {
		return err
	}
	if rows, err = s.readers.urgent.QueryContext(ctx, "SELECT "+columns+from+" AND (ordered OR merge) ORDER BY seq"); err != nil {
		return err
	}
	for rows.Next() {
		var r row
		if err := rows.Scan(r.fields()...); err != nil {
			return errors.Join(err, rows.Close())
		}
		s.queue.enter(r.Lane, r.waiting(), r.keyed())
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (s *Store) restoreFinal(ctx context.Context) error {
	rows, err := s.readers.urgent.QueryContext(ctx,
		"SELECT lane, count(*) FROM notification INDEXED BY notification_final WHERE state <> 'Waiting' AND state = 'Dead' GROUP BY lane")
	if err != nil {
		return err
	}
	type laneCount struct {
		lane  string
		count int
	}
	counts, err := scanAll(rows, func(c *laneCount) []any { return []any{&c.lane, &c.count} })
	if err != nil {
		return err
	}
	for _, c := range counts {
		s.queue.addDead(c.lane, c.count)
		s.writer.final.dead += c.count
	}
	final := &s.writer.final
	err = s.readers.urgent.QueryRowContext(ctx, `SELECT count(*) FROM notification INDEXED BY notification_final
		WHERE state <> 'Waiting' AND state = 'Delivered'`).Scan(&final.delivered)
	final.rows += final.delivered + final.dead
	s.writer.manyDead.Store(final.areManyDead())
	return err
}

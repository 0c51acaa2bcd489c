package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const pauseText = `INSERT INTO pause (lane, whole_gateway, since, asked_by, reason) VALUES (?1, ?2, ?3, ?4, ?5)
	ON CONFLICT (lane, whole_gateway) DO UPDATE SET
	since = iif(until = 0, since, excluded.since), until = 0, asked_by = excluded.asked_by, reason = excluded.reason`

// Pause implements store.PauseList. A full store takes it too: holding back is what may be needed then.
func (s *Store) Pause(ctx context.Context, p store.Pause) error {
	if p.Lane == "" || p.Since.IsZero() {
		return errors.New("pausing: the pause needs a lane and an instant at which it begins")
	}
	_, err := s.change(ctx, pauseText, p.Lane, p.WholeGateway, toMillis(p.Since), p.By, p.Reason)
	if err != nil {
		return fmt.Errorf("pausing: %w", err)
	}
	return nil
}

// Resume implements store.PauseList.
func (s *Store) Resume(ctx context.Context, lane string, wholeGateway bool, at time.Time) error {
	n, err := s.change(ctx, `UPDATE pause SET until = ?3 WHERE lane = ?1 AND whole_gateway = ?2 AND until = 0`, lane, wholeGateway, toMillis(at))
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("resuming: %w", err)
	}
	return nil
}

// Pauses implements store.PauseList.
func (s *Store) Pauses(ctx context.Context) ([]store.Pause, error) {
	if err := s.closed(); err != nil {
		return nil, err
	}
	rows, err := s.readers.urgent.QueryContext(ctx, "SELECT lane, whole_gateway, since, until, asked_by, reason FROM pause ORDER BY lane, whole_gateway")
	if err != nil {
		return nil, fmt.Errorf("reading pauses: %w", err)
	}
	type pause struct {
		store.Pause
		since, until int64
	}
	found, err := scanAll(rows, func(p *pause) []any { return []any{&p.Lane, &p.WholeGateway, &p.since, &p.until, &p.By, &p.Reason} })
	if err != nil {
		return nil, fmt.Errorf("reading pauses: %w", err)
	}
	list := make([]store.Pause, len(found))
	for i, p := range found {
		list[i] = p.Pause
		list[i].Since, list[i].Until = fromMillis(p.since), fromMillis(p.until)
	}
	return list, nil
}

// PrunePauses implements store.PauseList.
func (s *Store) PrunePauses(ctx context.Context, before time.Time) error {
	if _, err := s.change(ctx, `DELETE FROM pause WHERE until <> 0 AND until < ?1`, toMillis(before)); err != nil {
		return fmt.Errorf("pruning pauses: %w", err)
	}
	return nil
}

// change runs a statement that is too rare to be kept prepared, durably, and says how many rows it changed.
func (s *Store) change(ctx context.Context, text string, args ...any) (changed int, err error) {
	err = s.writer.do(ctx, &op{apply: func(w *writer) error {
		result, err := w.conn.ExecContext(context.Background(), text, args...)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		changed = int(rows)
		w.changed += changed
		return err
	}})
	return changed, err
}

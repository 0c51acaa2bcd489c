package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Pause implements store.PauseList.
func (s *Store) Pause(ctx context.Context, p store.Pause) error {
	if p.Lane == "" || p.Since.IsZero() {
		return errors.New("pausing: the pause needs a lane and an instant at which it begins")
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	_, err := s.pool.Exec(ctx, `INSERT INTO pause (lane, whole_gateway, since, asked_by, reason) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (lane, whole_gateway) DO UPDATE SET until = 0, asked_by = excluded.asked_by, reason = excluded.reason,
			since = CASE pause.until WHEN 0 THEN pause.since ELSE excluded.since END`,
		p.Lane, p.WholeGateway, p.Since.UnixMilli(), asText(p.By), asText(p.Reason))
	if err != nil {
		return fmt.Errorf("pausing: %w", asStoreError(err))
	}
	return nil
}

// asText is what PostgreSQL can store of words that people wrote: it refuses zero bytes and what is not UTF-8.
func asText(words string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(words, "\x00", "\uFFFD"), "\uFFFD")
}

// Resume implements store.PauseList.
func (s *Store) Resume(ctx context.Context, lane string, wholeGateway bool, at time.Time) error {
	if !storable(lane) {
		return fmt.Errorf("resuming: %w", store.ErrNotFound)
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	ended, err := s.pool.Exec(ctx, "UPDATE pause SET until = $3 WHERE lane = $1 AND whole_gateway = $2 AND until = 0", lane, wholeGateway, at.UnixMilli())
	if err == nil && ended.RowsAffected() == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("resuming: %w", asStoreError(err))
	}
	return nil
}

// Pauses implements store.PauseList.
func (s *Store) Pauses(ctx context.Context) ([]store.Pause, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	rows, err := s.pool.Query(ctx, `SELECT lane, whole_gateway, since, until, asked_by, reason FROM pause ORDER BY lane COLLATE "C", whole_gateway`)
	if err != nil {
		return nil, fmt.Errorf("reading pauses: %w", asStoreError(err))
	}
	pauses, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p store.Pause, err error) {
		var since, until int64
		err = row.Scan(&p.Lane, &p.WholeGateway, &since, &until, &p.By, &p.Reason)
		p.Since, p.Until = instant(since), instant(until)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading pauses: %w", asStoreError(err))
	}
	return pauses, nil
}

// PrunePauses implements store.PauseList.
func (s *Store) PrunePauses(ctx context.Context, before time.Time) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if _, err := s.pool.Exec(ctx, "DELETE FROM pause WHERE until <> 0 AND until < $1", millisFrom(before)); err != nil {
		return fmt.Errorf("pruning pauses: %w", asStoreError(err))
	}
	return nil
}

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// replayChosen bounds how many are chosen by one search, and replayStep how many one transaction changes.
	replayChosen, replayStep = 5000, 500
)

// replayable are the rows that Replay may change; its arguments are the instant, thrice.
const replayable = `last_attempt < ? AND replayed_at < ? AND (state <> 0 OR lease = 0 AND NOT parked AND next_attempt > ?)`

// replayText changes the rows $1 that may still be replayed, as of the instant $2. What has been replayed may take merges again: it counts no attempts.
const replayText = `WITH chosen AS MATERIALIZED (
	SELECT seq FROM notification WHERE seq = ANY($1)
		AND last_attempt < $2 AND replayed_at < $2 AND (state <> 0 OR lease = 0 AND NOT parked AND next_attempt > $2)
	FOR UPDATE `

const replayEnd = `)
UPDATE notification n SET state = 0, next_attempt = $2, lease = 0, parked = false,
	attempts = CASE state WHEN 0 THEN attempts ELSE 0 END, replayed_at = CASE state WHEN 0 THEN replayed_at ELSE $2 END
FROM chosen WHERE n.seq = ANY(ARRAY[chosen.seq]) RETURNING n.seq`

// Replay implements store.Archive. Each step is durable by itself: after an error the same call goes on where this one ended.
func (s *Store) Replay(ctx context.Context, f store.Filter, at time.Time, limit int) (int, error) {
	when := at.UnixMilli()
	q := searchFor(f)
	q.conditions = q.with(replayable, when, when, when)
	replayed := 0
	for replayed < limit {
		chosen := page{oldest: true, limit: min(limit-replayed, replayChosen)}
		if err := s.reading(ctx, func(tx pgx.Tx) error { return q.collect(ctx, tx, &chosen) }); err != nil {
			return replayed, fmt.Errorf("replaying: %w", asStoreError(err))
		}
		n, err := s.replay(ctx, chosen.seqs(), when)
		replayed += n
		if err != nil {
			return replayed, fmt.Errorf("replaying: %w", asStoreError(err))
		}
		if len(chosen.rows) < chosen.limit {
			break
		}
		q = q.behind(chosen.rows[len(chosen.rows)-1], true)
	}
	return replayed, nil
}

// replay changes the rows that may still be replayed, in order, and says how many.
func (s *Store) replay(ctx context.Context, seqs []int64, at int64) (replayed int, err error) {
	for len(seqs) > 0 {
		step := seqs[:min(replayStep, len(seqs))]
		seqs = seqs[len(step):]
		n, err := s.replayStep(ctx, step, at)
		replayed += n
		if err != nil {
			return replayed, err
		}
	}
	return replayed, nil
}

// replayStep changes in one transaction those that nobody has locked, and each of the others by itself: who waits for a lock while he holds others may
// wait in a circle.
func (s *Store) replayStep(ctx context.Context, seqs []int64, at int64) (int, error) {
	changed, err := s.replayRows(ctx, replayText+"SKIP LOCKED"+replayEnd, seqs, at)
	if err != nil {
		return 0, err
	}
	replayed := len(changed)
	for _, seq := range without(seqs, changed) {
		one, err := s.replayRows(ctx, replayText+replayEnd, []int64{seq}, at)
		if err != nil {
			return replayed, err
		}
		replayed += len(one)
	}
	return replayed, nil
}

func (s *Store) replayRows(ctx context.Context, text string, seqs []int64, at int64) ([]int64, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	rows, err := s.pool.Query(ctx, text, seqs, at)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// without answers those that are not among the others.
func without(all, others []int64) (left []int64) {
	if len(all) == len(others) {
		return nil
	}
	among := make(map[int64]bool, len(others))
	for _, seq := range others {
		among[seq] = true
	}
	for _, seq := range all {
		if !among[seq] {
			left = append(left, seq)
		}
	}
	return left
}

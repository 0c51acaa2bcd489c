package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// pruneStep bounds what one transaction deletes, so that it holds its locks for milliseconds.
const pruneStep = 500

// edge is where pruning ends: what comes before it in the order of last_attempt and seq goes.
type edge struct{ lastAttempt, seq int64 }

// Prune implements store.Archive.
func (s *Store) Prune(ctx context.Context, state store.State, before time.Time, limit int) (int, error) {
	if err := final(state); err != nil {
		return 0, err
	}
	return s.prune(ctx, state, edge{lastAttempt: millisFrom(before), seq: math.MinInt64}, limit)
}

// PruneBeyond implements store.Archive. It reads keep entries of an index, unless the table is too small to have so many.
func (s *Store) PruneBeyond(ctx context.Context, state store.State, keep, limit int) (int, error) {
	if err := final(state); err != nil {
		return 0, err
	}
	oldestKept, found, err := s.oldestKept(ctx, state, max(keep, 0))
	if err != nil {
		return 0, fmt.Errorf("pruning: %w", asStoreError(err))
	}
	if !found {
		return 0, nil
	}
	return s.prune(ctx, state, oldestKept, limit)
}

func final(state store.State) error {
	if state != store.Delivered && state != store.Dead {
		return fmt.Errorf("pruning: %q is not a final state", state)
	}
	return nil
}

// oldestKept is the edge that leaves the newest keep. It stays a good one while others prune: those before it are never among the newest.
func (s *Store) oldestKept(ctx context.Context, state store.State, keep int) (at edge, found bool, err error) {
	if keep == 0 {
		return edge{lastAttempt: math.MaxInt64, seq: math.MaxInt64}, true, nil
	}
	counting, cancel := s.bounded(ctx)
	defer cancel()
	var most int
	if err := s.pool.QueryRow(counting, "SELECT ((SELECT count(*) FROM run) + (SELECT count(*) FROM open_run)) * $1", runs.Rows).Scan(&most); err != nil {
		return edge{}, false, err
	}
	if most <= keep {
		return edge{}, false, nil
	}
	err = s.reading(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT last_attempt, seq FROM notification WHERE "+stateTerm(state)+" ORDER BY last_attempt DESC, seq DESC OFFSET $1 LIMIT 1", keep-1).
			Scan(&at.lastAttempt, &at.seq)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return edge{}, false, nil
	}
	return at, err == nil, err
}

// prune removes up to limit of what comes before the edge, the oldest first, in steps.
func (s *Store) prune(ctx context.Context, state store.State, until edge, limit int) (removed int, err error) {
	for removed < limit {
		step := min(pruneStep, limit-removed)
		n, err := s.pruneOnce(ctx, state, until, step)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("pruning: %w", asStoreError(err))
		}
		if n < step {
			break
		}
	}
	return removed, nil
}

// pruneText removes up to $3 of what comes before ($1, $2).
func pruneText(state store.State) string {
	return `DELETE FROM notification WHERE seq = ANY(ARRAY(SELECT seq FROM notification
		WHERE ` + stateTerm(state) + ` AND (last_attempt, seq) < ($1, $2) ORDER BY last_attempt, seq LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING seq`
}

// pruneOnce is one step. Those that somebody else has locked, another replica that prunes as a rule, it leaves to him.
func (s *Store) pruneOnce(ctx context.Context, state store.State, until edge, limit int) (removed int, err error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, noWaitForDisk); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, byIndexes); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, pruneText(state), until.lastAttempt, until.seq, limit)
		if err != nil {
			return err
		}
		gone, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(gone) == 0 {
			return err
		}
		removed = len(gone)
		return dropEmptyRuns(ctx, tx, gone)
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// dropEmptyRuns removes the closed runs of the rows that have gone, if these were their last ones. It locks them first: of two transactions that each
// remove the last but the other's rows, the second then waits and sees that none is left.
func dropEmptyRuns(ctx context.Context, tx pgx.Tx, gone []int64) error {
	numbers := make([]int64, 0, 16)
	seen := map[int64]bool{}
	for _, seq := range gone {
		if number := seq / runs.Rows; !seen[number] {
			seen[number] = true
			numbers = append(numbers, number)
		}
	}
	if _, err := tx.Exec(ctx, "SELECT FROM run WHERE number = ANY($1) ORDER BY number FOR UPDATE", numbers); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM run WHERE "+emptyRuns, numbers)
	return err
}

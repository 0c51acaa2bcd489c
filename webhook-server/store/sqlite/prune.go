package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// pruneStep bounds what one transaction deletes, so that no append waits long for it.
const pruneStep = 200

// Prune implements store.Archive.
func (s *Store) Prune(ctx context.Context, state store.State, before time.Time, limit int) (int, error) {
	ended := toMillis(before)
	return s.pruneInSteps(ctx, state, limit, func(_ *writer, step int) (int64, int) { return ended, step })
}

// PruneBeyond implements store.Archive.
func (s *Store) PruneBeyond(ctx context.Context, state store.State, keep, limit int) (int, error) {
	return s.pruneInSteps(ctx, state, limit, func(w *writer, step int) (int64, int) {
		return never, max(0, min(step, w.final.of(state)-max(0, keep)))
	})
}

// pruneBound says, in the writer, before when those ended that are to be removed, and how many of them in a step of the size given.
type pruneBound func(w *writer, step int) (before int64, limit int)

func (s *Store) pruneInSteps(ctx context.Context, state store.State, limit int, bound pruneBound) (int, error) {
	if state != store.Delivered && state != store.Dead {
		return 0, fmt.Errorf("pruning: %q is not a final state", state)
	}
	removed, err := inSteps(limit, func(step int) (int, error) { return s.pruneOnce(ctx, state, bound, step) })
	if err != nil {
		return removed, fmt.Errorf("pruning: %w", err)
	}
	return removed, nil
}

// inSteps removes up to limit by calls of remove, each of which takes a transaction of its own, until one finds too few.
func inSteps(limit int, remove func(step int) (int, error)) (removed int, err error) {
	for removed < limit {
		step := min(pruneStep, limit-removed)
		n, err := remove(step)
		removed += n
		if err != nil || n < step {
			return removed, err
		}
	}
	return removed, nil
}

func (s *Store) pruneOnce(ctx context.Context, state store.State, bound pruneBound, step int) (int, error) {
	var gone []pruned
	o := &op{apply: func(w *writer) (err error) {
		before, limit := bound(w, step)
		if limit > 0 {
			gone, err = w.prune(state, before, limit)
		}
		return err
	}}
	o.finished = func(err error) {
		if err != nil || state != store.Dead {
			return
		}
		for _, p := range gone {
			s.queue.addDead(p.lane, -1)
		}
	}
	if err := s.writer.do(ctx, o); err != nil {
		return 0, err
	}
	return len(gone), nil
}

// pruned is a row that has been deleted.
type pruned struct {
	seq  int64
	lane string
}

// prune answers the rows that it has deleted. A run that has lost its last row goes too.
func (w *writer) prune(state store.State, before int64, limit int) ([]pruned, error) {
	rows, err := w.stmts.prune.QueryContext(context.Background(), string(state), before, limit)
	if err != nil {
		return nil, err
	}
	gone, err := scanAll(rows, func(p *pruned) []any { return []any{&p.seq, &p.lane} })
	if err != nil {
		return nil, err
	}
	w.changed += len(gone)
	w.final.add(state, -len(gone))
	w.final.rows -= len(gone)
	touched := map[int64]bool{}
	for _, p := range gone {
		touched[p.seq/runs.Rows] = true
	}
	for number := range touched {
		for _, drop := range []*sql.Stmt{w.stmts.dropRun, w.stmts.dropSpan} {
			if _, err := w.exec(drop, number); err != nil {
				return nil, fmt.Errorf("dropping a run: %w", err)
			}
		}
	}
	return gone, nil
}

// scanAll reads every row into a T through the destinations that fields names, and closes rows.
func scanAll[T any](rows *sql.Rows, fields func(*T) []any) ([]T, error) {
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, one)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// pruneStep bounds what one transaction deletes, so that no append waits long for it.
const pruneStep = 200

// Prune implements store.Store.
func (s *Store) Prune(ctx context.Context, state store.State, before time.Time, limit int) (int, error) {
	if state != store.Delivered && state != store.Dead {
		return 0, fmt.Errorf("pruning: %q is not a final state", state)
	}
	removed, err := inSteps(limit, func(step int) (int, error) { return s.pruneOnce(ctx, state, before, step) })
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

func (s *Store) pruneOnce(ctx context.Context, state store.State, before time.Time, limit int) (int, error) {
	var gone []pruned
	o := &op{apply: func(w *writer) (err error) {
		gone, err = w.prune(state, toMillis(before), limit)
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
	runs := map[int64]bool{}
	for _, p := range gone {
		runs[p.seq/runRows] = true
	}
	for number := range runs {
		if _, err := w.exec(w.stmts.dropRun, number); err != nil {
			return nil, fmt.Errorf("dropping a run: %w", err)
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

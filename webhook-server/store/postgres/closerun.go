package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// span is the numbers of a run's rows: from the first on, before the end.
func span(number int64) (first, end int64) { return number * runs.Rows, (number + 1) * runs.Rows }

// noWaitForDisk lets a transaction end before it is on the disk: what a crash takes back of it is found to be done again.
const noWaitForDisk = "SET LOCAL synchronous_commit = off"

// byIndexes keeps the planner, whatever its statistics say, from reading the whole table for a few rows.
const byIndexes = "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"

// emptyRuns finds those of the runs $1 that have lost their last row.
const emptyRuns = `number = ANY($1) AND NOT EXISTS (
	SELECT FROM notification WHERE seq >= run.number * 4096 AND seq < (run.number + 1) * 4096)`

// closeRun ends an open run: its blobs replace its row in open_run. A run that is not open stays as it is, and of several who close one at once one
// does. It waits for the transactions that have locked the run's row in open_run; who comes after them finds it gone.
func (s *Store) closeRun(ctx context.Context, number int64) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, noWaitForDisk); err != nil {
			return err
		}
		closed, err := tx.Exec(ctx, "DELETE FROM open_run WHERE number = $1", number)
		if err != nil || closed.RowsAffected() == 0 {
			return err
		}
		full, err := readRun(ctx, tx, number) // a statement of its own: it sees what the lock was waited for
		if err != nil || len(full.slots[runs.ByID]) == 0 {
			return err
		}
		return full.insert(ctx, tx, number)
	})
	if err == nil { // rows may have been pruned since they were read
		_, err = s.pool.Exec(ctx, "DELETE FROM run WHERE "+emptyRuns, []int64{number})
	}
	if err != nil {
		return fmt.Errorf("closing run %d: %w", number, err)
	}
	return nil
}

// closedRun is what a row of the run table is made of.
type closedRun struct {
	from, until int64 // the first and the last received_at
	slots       [runs.Fields][]runs.Slot
}

func (r *closedRun) add(received, seq int64, n store.Notification) {
	if len(r.slots[runs.ByID]) == 0 {
		r.from, r.until = received, received
	}
	r.from, r.until = min(r.from, received), max(r.until, received)
	for f, slot := range runs.SlotsOf(seq, n) {
		r.slots[f] = append(r.slots[f], slot)
	}
}

func readRun(ctx context.Context, tx pgx.Tx, number int64) (*closedRun, error) {
	first, end := span(number)
	rows, err := tx.Query(ctx, `SELECT received_at, seq, id, token_id, correlation_id, merchant_id FROM notification WHERE seq >= $1 AND seq < $2`, first, end)
	if err != nil {
		return nil, err
	}
	var full closedRun
	var n store.Notification
	var received, seq int64
	_, err = pgx.ForEachRow(rows, []any{&received, &seq, &n.ID, &n.TokenID, &n.CorrelationID, &n.MerchantID}, func() error {
		full.add(received, seq, n)
		return nil
	})
	return &full, err
}

func (r *closedRun) insert(ctx context.Context, tx pgx.Tx, number int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO run (number, received_from, received_until, by_id, by_token, by_correlation, by_merchant) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		number, r.from, r.until, runs.Pack(r.slots[runs.ByID]), runs.Pack(r.slots[runs.ByToken]), runs.Pack(r.slots[runs.ByCorrelation]), runs.Pack(r.slots[runs.ByMerchant]))
	return err
}

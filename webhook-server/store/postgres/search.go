package postgres

import (
	"context"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// search is what a look-up asks for and which way it is found.
type search struct {
	conditions
	// from and until bound received_at, both included.
	from, until int64

	// inRuns: the runs are asked for the value of the field.
	inRuns bool
	field  runs.Field
	value  string
	// states: else each is read through its partial index. Without any, the rows themselves are read, run by run in the order wanted.
	states []store.State
}

// searchFor picks the most selective thing that the filter names. The delivered are so many that going back from the newest finds them.
func searchFor(f store.Filter) search {
	q := search{conditions: conditionsOf(f), from: math.MinInt64, until: math.MaxInt64}
	if !f.ReceivedFrom.IsZero() {
		q.from = millisFrom(f.ReceivedFrom)
	}
	if !f.ReceivedUntil.IsZero() {
		q.until = millisFrom(f.ReceivedUntil) - 1
	}
	switch {
	case f.ID != "":
		q.inRuns, q.field, q.value = true, runs.ByID, f.ID
	case f.CorrelationID != "":
		q.inRuns, q.field, q.value = true, runs.ByCorrelation, f.CorrelationID
	case f.TokenID != "":
		q.inRuns, q.field, q.value = true, runs.ByToken, f.TokenID
	case f.State == store.Waiting || f.State == store.Dead:
		q.states = []store.State{f.State}
	case f.State == "" && f.Reason != "": // what is delivered has none
		q.states = []store.State{store.Waiting, store.Dead}
	case f.MerchantID != "":
		q.inRuns, q.field, q.value = true, runs.ByMerchant, f.MerchantID
	}
	return q
}

// behind leaves out what comes up to the position in the order of the page.
func (q search) behind(at position, oldest bool) search {
	if oldest {
		q.from = max(q.from, at.received)
		q.conditions = q.with("(received_at, seq) > (?, ?)", at.received, at.seq)
	} else {
		q.until = min(q.until, at.received)
		q.conditions = q.with("(received_at, seq) < (?, ?)", at.received, at.seq)
	}
	return q
}

// reading runs f, within a minute, in one snapshot, in which each row belongs either to an open run or to a closed one. The planner may not choose to read the
// whole table, which it does when its statistics are old and say that most rows match; nor does it compile statements that take milliseconds.
func (s *Store) reading(ctx context.Context, f func(tx pgx.Tx) error) error {
	select {
	case s.searches <- struct{}{}:
		defer func() { <-s.searches }()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return store.ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, s.bounds.search)
	defer cancel()
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"); err != nil {
			return err
		}
		return f(tx)
	})
}

// collect hands everything that matches to the collector, until it has enough.
func (q search) collect(ctx context.Context, tx pgx.Tx, to collector) error {
	if len(q.states) > 0 {
		for _, state := range q.states {
			if err := to.read(ctx, tx, q.with(stateTerm(state))); err != nil {
				return err
			}
		}
		return nil
	}
	if err := q.collectOpen(ctx, tx, to); err != nil {
		return err
	}
	closed, err := q.closedRuns(ctx, tx)
	if err != nil {
		return err
	}
	slices.SortFunc(closed, to.compare)
	if q.inRuns {
		return q.collectFound(ctx, tx, closed, to)
	}
	return q.collectAll(ctx, tx, closed, to)
}

// collectOpen reads the rows that no blob covers yet.
func (q search) collectOpen(ctx context.Context, tx pgx.Tx, to collector) error {
	rows, err := tx.Query(ctx, "SELECT number FROM open_run ORDER BY number")
	if err != nil {
		return err
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, number := range open {
		if err := q.readRun(ctx, tx, number, to); err != nil {
			return err
		}
	}
	return nil
}

// readRun reads the rows of a run themselves.
func (q search) readRun(ctx context.Context, tx pgx.Tx, number int64, to collector) error {
	first, end := span(number)
	return to.read(ctx, tx, q.with("seq >= ? AND seq < ?", first, end))
}

// closedSpan is a closed run: when the first and the last of its rows were received, and how many slots its blobs have.
type closedSpan struct {
	number, from, until int64
	slots               int
}

// closedRuns answers the runs that may have rows in the search's bounds: 32 bytes for 4096 rows. The length of a blob is known without reading it.
func (q search) closedRuns(ctx context.Context, tx pgx.Tx) ([]closedSpan, error) {
	rows, err := tx.Query(ctx, "SELECT number, received_from, received_until, octet_length(by_id) / 4 FROM run WHERE received_until >= $1 AND received_from <= $2", q.from, q.until)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r closedSpan, err error) {
		err = row.Scan(&r.number, &r.from, &r.until, &r.slots)
		return r, err
	})
}

// collectAll reads the rows of closed runs.
func (q search) collectAll(ctx context.Context, tx pgx.Tx, closed []closedSpan, to collector) error {
	for _, r := range closed {
		if to.enough(r) {
			return nil
		}
		if err := q.readRun(ctx, tx, r.number, to); err != nil {
			return err
		}
	}
	return nil
}

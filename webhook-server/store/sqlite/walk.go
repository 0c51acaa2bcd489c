package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"runtime"

	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// part is a part of the table in which a search may find rows: a run, the newest rows, or all.
type part struct {
	condition string // of its rows; "" for all
	args      []any

	run         bool
	first, last int64 // when the rows of a run were received
}

// isBeyond reports that the search would find nothing here that comes before the row.
func (p part) isBeyond(q *search, r row) bool {
	if !p.run {
		return false
	}
	if q.oldestFirst {
		return p.first > r.received
	}
	return p.last < r.received
}

// walk calls visit for each part in which the search may find rows, until it wants no more: the rows that no run has yet, then the runs in the order of
// the search by their earliest or latest row. All that it sees is of one instant.
func (s *Store) walk(ctx context.Context, on *sql.DB, q *search, visit func(*sql.Tx, part) (more bool, err error)) error {
	if err := s.closed(); err != nil {
		return err
	}
	until := s.writer.index.until.Load() // before the snapshot: the snapshot then has the runs up to here
	tx, err := on.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	if q.atOnce {
		_, err := visit(tx, part{})
		return err
	}
	if more, err := visit(tx, part{condition: "seq > ?", args: []any{until}}); err != nil || !more {
		return err
	}
	return q.walkRuns(ctx, tx, until/runs.Rows, func(p part) (bool, error) { return visit(tx, p) })
}

// walkRuns walks through the runs up to the last.
func (q *search) walkRuns(ctx context.Context, tx *sql.Tx, last int64, visit func(part) (bool, error)) (err error) {
	order := "received_last DESC, number DESC"
	if q.oldestFirst {
		order = "received_first, number"
	}
	spans, err := tx.QueryContext(ctx, `SELECT number, received_first, received_last FROM span
		WHERE number <= ? AND received_last >= ? AND received_first < ? ORDER BY `+order, last, q.from, q.until)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spans.Err(), spans.Close()) }()
	var slots *sql.Stmt
	if q.inRuns {
		if slots, err = tx.PrepareContext(ctx, "SELECT slots FROM run WHERE number = ? AND field = ?"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, slots.Close()) }()
	}
	for spans.Next() {
		var number int64
		p := part{run: true, condition: "seq BETWEEN ? AND ?"}
		if err := spans.Scan(&number, &p.first, &p.last); err != nil {
			return err
		}
		p.args = []any{number * runs.Rows, number*runs.Rows + runs.Rows - 1}
		if q.inRuns {
			seqs, err := q.seqsIn(ctx, slots, number)
			if err != nil {
				return err
			}
			if len(seqs) == 0 {
				continue
			}
			list, err := json.Marshal(seqs)
			if err != nil {
				return err
			}
			p.condition, p.args = "seq IN (SELECT value FROM json_each(?))", []any{string(list)}
		}
		if more, err := visit(p); err != nil || !more {
			return err
		}
		runtime.Gosched() // a search computes for long: deliveries come between its parts
	}
	return nil
}

// seqsIn answers the rows of a run that may have the value.
func (q *search) seqsIn(ctx context.Context, slots *sql.Stmt, number int64) (seqs []int64, err error) {
	rows, err := slots.QueryContext(ctx, number, q.field.Column())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	if rows.Next() {
		var packed sql.RawBytes
		if err := rows.Scan(&packed); err != nil {
			return nil, err
		}
		seqs = runs.Find(number, packed, q.value)
	}
	return seqs, nil
}

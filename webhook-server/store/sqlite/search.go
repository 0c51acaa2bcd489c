package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// search is the WHERE clause of a look-up, and what serves it best: a field, by way of the runs, or an index. An index is named rather
// than left to the planner: it has no statistics, and a wrong guess reads the whole table.
type search struct {
	hint  string
	terms []string
	args  []any

	inRuns bool
	field  field
	value  string
}

// equal adds a condition; an empty value matches everything.
func (q *search) equal(column, value string) *search {
	if value == "" {
		return q
	}
	q.terms = append(q.terms, column+" = ?")
	q.args = append(q.args, value)
	return q
}

// through has the runs searched for the value.
func (q *search) through(f field, value string) { q.inRuns, q.field, q.value = true, f, value }

// searchFor picks the most selective field that the filter names. The delivered are so many that going back from the newest finds them.
func searchFor(f store.Filter) *search {
	q := &search{hint: "NOT INDEXED"}
	switch {
	case f.CorrelationID != "":
		q.through(byCorrelation, f.CorrelationID)
	case f.TokenID != "":
		q.through(byToken, f.TokenID)
	case f.State == store.Waiting:
		q.hint, q.terms = "INDEXED BY notification_waiting", []string{"state = 'Waiting'"}
	case f.State == store.Dead:
		q.hint, q.terms = "INDEXED BY notification_final", []string{"state <> 'Waiting'"}
	case f.MerchantID != "":
		q.through(byMerchant, f.MerchantID)
	}
	return q.equal("correlation_id", f.CorrelationID).equal("token_id", f.TokenID).
		equal("merchant_id", f.MerchantID).equal("gateway_id", f.GatewayID).equal("state", string(f.State))
}

// search answers the newest rows that match.
func (s *Store) search(ctx context.Context, q *search, limit int) ([]row, error) {
	if err := s.closed(); err != nil {
		return nil, err
	}
	until := s.writer.index.until.Load() // before the snapshot: the snapshot then has the runs up to here
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	if !q.inRuns {
		return q.rows(ctx, tx, "", nil, limit)
	}
	found, err := q.rows(ctx, tx, "seq > ?", until, limit)
	if err != nil || len(found) == limit {
		return found, err
	}
	older, err := q.rowsInRuns(ctx, tx, until/runRows, limit-len(found))
	return append(found, older...), err
}

// rowsInRuns goes back through the runs from the one given.
func (q *search) rowsInRuns(ctx context.Context, tx *sql.Tx, last int64, limit int) (found []row, err error) {
	runs, err := tx.QueryContext(ctx, "SELECT number, slots FROM run WHERE field = ? AND number <= ? ORDER BY number DESC", q.field.column(), last)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, runs.Err(), runs.Close()) }()
	for len(found) < limit && runs.Next() {
		var number int64
		var packed sql.RawBytes
		if err := runs.Scan(&number, &packed); err != nil {
			return nil, err
		}
		seqs := find(number, packed, q.value)
		if len(seqs) == 0 {
			continue
		}
		list, err := json.Marshal(seqs)
		if err != nil {
			return nil, err
		}
		some, err := q.rows(ctx, tx, "seq IN (SELECT value FROM json_each(?))", string(list), limit-len(found))
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// rows answers the newest that match and also meet the condition, which has one argument; "" is no condition.
func (q *search) rows(ctx context.Context, tx *sql.Tx, condition string, arg any, limit int) ([]row, error) {
	terms, args := q.terms, q.args
	if condition != "" {
		terms, args = slices.Concat([]string{condition}, terms), slices.Concat([]any{arg}, args)
	}
	text := "SELECT " + columns + " FROM notification " + q.hint
	if len(terms) > 0 {
		text += " WHERE " + strings.Join(terms, " AND ")
	}
	rows, err := tx.QueryContext(ctx, text+" ORDER BY seq DESC LIMIT ?", slices.Concat(args, []any{limit})...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, (*row).fields)
}

package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// search is the WHERE clause of a look-up, its order, and what serves it best: a field, by way of the runs, or an index. An index is named rather
// than left to the planner: it has no statistics, and a wrong guess reads the whole table.
type search struct {
	hint  string
	terms []string
	args  []any

	inRuns bool // by the slots of field
	field  runs.Field
	value  string
	atOnce bool // by the index, not a run at a time

	oldestFirst bool
	from, until int64 // only what was received in between counts: runs of others are passed over
	columns     string
	fields      func(*row) []any
}

// searchFor picks the most selective field that the filter names. The delivered are so many that going back from the newest finds them.
func searchFor(f store.Filter) *search {
	q := &search{hint: "NOT INDEXED", columns: columns, fields: (*row).fields, from: math.MinInt64, until: never}
	switch {
	case f.ID != "":
		q.through(runs.ByID, f.ID)
	case f.CorrelationID != "":
		q.through(runs.ByCorrelation, f.CorrelationID)
	case f.TokenID != "":
		q.through(runs.ByToken, f.TokenID)
	case f.State == store.Waiting:
		q.hint, q.terms = "INDEXED BY notification_waiting", []string{"state = 'Waiting'"}
	case f.State == store.Dead:
		q.hint, q.terms, q.atOnce = "INDEXED BY notification_final", []string{"state <> 'Waiting'"}, true
	case f.MerchantID != "":
		q.through(runs.ByMerchant, f.MerchantID)
	}
	q.equal("id", f.ID).equal("correlation_id", f.CorrelationID).equal("token_id", f.TokenID).
		equal("merchant_id", f.MerchantID).equal("gateway_id", f.GatewayID).equal("state", string(f.State)).
		equal("lane", f.Lane).within(f.Namespace).equal("update_type", f.UpdateType).equal("last_reason", f.Reason)
	if !f.ReceivedFrom.IsZero() {
		q.from = notBefore(f.ReceivedFrom)
		q.where("received_at >= ?", q.from)
	}
	if !f.ReceivedUntil.IsZero() {
		q.until = notBefore(f.ReceivedUntil)
		q.where("received_at < ?", q.until)
	}
	return q
}

// searchFor is the way that is best for what the table holds now.
func (s *Store) searchFor(f store.Filter) *search {
	q := searchFor(f)
	if q.atOnce && s.writer.manyDead.Load() {
		q.hint, q.atOnce = "NOT INDEXED", false
	}
	return q
}

// notBefore is the first millisecond that is not before t.
func notBefore(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

// where adds a condition.
func (q *search) where(term string, args ...any) {
	q.terms = append(q.terms, term)
	q.args = append(q.args, args...)
}

// equal adds a condition; an empty value matches everything.
func (q *search) equal(column, value string) *search {
	if value != "" {
		q.where(column+" = ?", value)
	}
	return q
}

// within adds the condition that a lane is in a namespace; an empty one matches everything. What follows "name/" is every text from it on that is before
// "name0": the digit comes after the slash.
func (q *search) within(namespace string) *search {
	switch {
	case namespace == "":
	case strings.Contains(namespace, "/"):
		q.where("false") // no namespace has a slash
	default:
		q.where("lane >= ? AND lane < ?", namespace+"/", namespace+"0")
	}
	return q
}

// through has the runs searched for the value.
func (q *search) through(f runs.Field, value string) { q.inRuns, q.field, q.value = true, f, value }

// behind has the search go on after the row, in its order.
func (q *search) behind(last row) {
	if q.oldestFirst {
		q.from = max(q.from, last.received)
		q.where("(received_at, seq) > (?, ?)", last.received, last.seq)
		return
	}
	q.until = min(q.until, last.received+1)
	q.where("(received_at, seq) < (?, ?)", last.received, last.seq)
}

// compare is the order of the answer.
func (q *search) compare(a, b row) int {
	order := cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.seq, b.seq))
	if q.oldestFirst {
		return order
	}
	return -order
}

// text is the statement that selects what matches and also meets the condition; "" is no condition.
func (q *search) text(selected, condition string) string {
	terms := q.terms
	if condition != "" {
		terms = slices.Concat([]string{condition}, terms)
	}
	text := "SELECT " + selected + " FROM notification " + q.hint
	if len(terms) > 0 {
		text += " WHERE " + strings.Join(terms, " AND ")
	}
	return text
}

// search answers the first rows that match, by connections of the pool.
func (s *Store) search(ctx context.Context, on *sql.DB, q *search, limit int) (found []row, err error) {
	order := " ORDER BY received_at DESC, seq DESC LIMIT ?"
	if q.oldestFirst {
		order = " ORDER BY received_at, seq LIMIT ?"
	}
	err = s.walk(ctx, on, q, func(tx *sql.Tx, p part) (more bool, err error) {
		if len(found) == limit && p.isBeyond(q, found[limit-1]) {
			return false, nil
		}
		rows, err := tx.QueryContext(ctx, q.text(q.columns, p.condition)+order, slices.Concat(p.args, q.args, []any{limit})...)
		if err != nil {
			return false, err
		}
		some, err := scanAll(rows, q.fields)
		found = append(found, some...)
		slices.SortFunc(found, q.compare)
		found = found[:min(limit, len(found))]
		return true, err
	})
	return found, err
}

// count counts the rows that match.
func (s *Store) count(ctx context.Context, on *sql.DB, q *search) (count int, err error) {
	err = s.walk(ctx, on, q, func(tx *sql.Tx, p part) (more bool, err error) {
		var some int
		err = tx.QueryRowContext(ctx, q.text("count(*)", p.condition), slices.Concat(p.args, q.args)...).Scan(&some)
		count += some
		return true, err
	})
	return count, err
}

package sqlite

import (
	"slices"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// The secondary indexes. Those of inRuns are cut into runs of rows, see schema.go.
const (
	byID          = "notification_by_id"
	byToken       = "notification_by_token" // #nosec G101 -- the name of an index
	byCorrelation = "notification_by_correlation"
	byMerchant    = "notification_by_merchant"
	byState       = "notification_by_state"
)

func inRuns(index string) bool { return index == byID || index == byToken || index == byCorrelation }

// search is the WHERE clause of a look-up, and the index that serves it best. The index is named rather than left to the planner:
// it has no statistics, and a wrong guess reads the whole table.
type search struct {
	index string
	terms []string
	args  []any
}

func newSearch(index string) *search { return &search{index: index} }

// equal adds a condition; an empty value matches everything.
func (q *search) equal(column, value string) *search {
	if value == "" {
		return q
	}
	q.terms = append(q.terms, column+" = ?")
	q.args = append(q.args, value)
	return q
}

// searchFor picks the index of the most selective field that the filter names.
func searchFor(f store.Filter) *search {
	index := ""
	switch {
	case f.CorrelationID != "":
		index = byCorrelation
	case f.TokenID != "":
		index = byToken
	case f.State == store.Waiting || f.State == store.Dead:
		index = byState // few of all; the delivered are many, so going back from the newest finds them
	case f.MerchantID != "":
		index = byMerchant
	}
	return newSearch(index).
		equal("correlation_id", f.CorrelationID).equal("token_id", f.TokenID).
		equal("merchant_id", f.MerchantID).equal("gateway_id", f.GatewayID).equal("state", string(f.State))
}

// newest is the query for the rows after the seq given that no index has yet.
func (q *search) newest(after int64) query {
	return q.build("NOT INDEXED", []string{"indexed = 0", "seq > ?"}, []any{after})
}

// indexed is the query for the rows that the indexes have.
func (q *search) indexed() query {
	terms := []string{"indexed = 1"}
	switch {
	case q.index == "":
		return q.build("NOT INDEXED", terms, nil)
	case inRuns(q.index):
		runs := q.build("INDEXED BY "+q.index, append(terms, "seq / 4096 = run"), nil)
		runs.text = `WITH RECURSIVE runs (run) AS (
			SELECT max(seq) / 4096 FROM notification
			UNION ALL SELECT run - 1 FROM runs WHERE run > (SELECT min(seq) / 4096 FROM notification)) ` +
			strings.Replace(runs.text, "FROM notification", "FROM runs CROSS JOIN notification", 1)
		return runs
	}
	return q.build("INDEXED BY "+q.index, terms, nil)
}

func (q *search) build(hint string, terms []string, args []any) query {
	text := "SELECT " + columns + " FROM notification " + hint +
		" WHERE " + strings.Join(slices.Concat(terms, q.terms), " AND ") + " ORDER BY seq DESC LIMIT ?"
	return query{text: text, args: slices.Concat(args, q.args)}
}

package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// position is where a row stands in the order of lists: by the millisecond it was received, then by its number.
type position struct{ received, seq int64 }

func comparePositions(a, b position) int {
	return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.seq, b.seq))
}

// collector takes what a search finds, part by part. No row is in two parts.
type collector interface {
	// read takes the rows that meet the conditions.
	read(ctx context.Context, tx pgx.Tx, c conditions) error
	// compare orders the closed runs: those first that the collector wants to see first.
	compare(a, b closedSpan) int
	// enough reports that the run, and what compare puts behind it, has nothing for the collector.
	enough(r closedSpan) bool
}

// page collects the newest rows, or the oldest.
type page struct {
	oldest bool // oldest first, else newest first
	limit  int
	rows   []position // in that order
}

func (p *page) read(ctx context.Context, tx pgx.Tx, c conditions) error {
	order := " ORDER BY received_at DESC, seq DESC LIMIT "
	if p.oldest {
		order = " ORDER BY received_at, seq LIMIT "
	}
	text := "SELECT received_at, seq FROM notification" + c.where() + order + "$" + strconv.Itoa(len(c.args)+1)
	rows, err := tx.Query(ctx, text, append(slices.Clip(c.args), p.limit)...)
	if err != nil {
		return err
	}
	some, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (at position, err error) {
		err = row.Scan(&at.received, &at.seq)
		return at, err
	})
	if err != nil || len(some) == 0 {
		return err
	}
	p.rows = append(p.rows, some...)
	slices.SortFunc(p.rows, p.comparePositions)
	p.rows = p.rows[:min(p.limit, len(p.rows))]
	return nil
}

func (p *page) comparePositions(a, b position) int {
	if p.oldest {
		return comparePositions(a, b)
	}
	return comparePositions(b, a)
}

func (p *page) compare(a, b closedSpan) int {
	if p.oldest {
		return cmp.Compare(a.from, b.from)
	}
	return cmp.Compare(b.until, a.until)
}

// enough says no of a run that begins with the millisecond of the last row: its rows of that millisecond may have the better numbers.
func (p *page) enough(r closedSpan) bool {
	if len(p.rows) < p.limit {
		return false
	}
	last := p.rows[len(p.rows)-1].received
	if p.oldest {
		return r.from > last
	}
	return r.until < last
}

// seqs are the numbers of the rows, in the page's order.
func (p *page) seqs() []int64 {
	seqs := make([]int64, len(p.rows))
	for i, at := range p.rows {
		seqs[i] = at.seq
	}
	return seqs
}

// first collects one row and is content with it: for what only one row can match.
type first struct{ page }

func (f *first) enough(closedSpan) bool { return len(f.rows) > 0 }

// counter counts the rows.
type counter struct{ count int }

func (n *counter) read(ctx context.Context, tx pgx.Tx, c conditions) error {
	var more int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM notification"+c.where(), c.args...).Scan(&more); err != nil {
		return err
	}
	n.count += more
	return nil
}

func (n *counter) compare(a, b closedSpan) int { return cmp.Compare(a.number, b.number) }

func (n *counter) enough(closedSpan) bool { return false }

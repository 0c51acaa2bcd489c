package sqlite

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// indexer writes what is searched for run by run: once runs.Rows rows have come, one blob of slots for each field. That is a few pages
// written once, where an index kept by SQLite would change pages all over for each row. Until then a search reads through the rows.
type indexer struct {
	until   atomic.Int64 // every row up to this seq is in a run, durably
	newest  []entry      // the rows after it, in order of seq; only the writer touches it
	retryAt int64        // after a failure: the seq to wait for
}

// entry is a row that no run in the file has yet.
type entry struct {
	seq, received int64
	slots         [runs.Fields]runs.Slot
}

// add takes a row that has been committed.
func (x *indexer) add(seq, received int64, n store.Notification) {
	x.newest = append(x.newest, entry{seq: seq, received: received, slots: runs.SlotsOf(seq, n)})
}

// due reports that all rows of the oldest run have come.
func (x *indexer) due(w *writer) bool {
	return len(x.newest) > 0 && x.newest[0].seq/runs.Rows < w.nextSeq/runs.Rows && w.nextSeq >= x.retryAt
}

// write stores the oldest run.
func (x *indexer) write(w *writer) error {
	number, rows := x.newest[0].seq/runs.Rows, x.oldestRun()
	slots := make([]runs.Slot, rows)
	for f := range runs.Fields {
		for i, e := range x.newest[:rows] {
			slots[i] = e.slots[f]
		}
		packed := runs.Pack(slots)
		if _, err := w.exec(w.stmts.insertRun, number, f.Column(), packed); err != nil {
			return fmt.Errorf("indexing: %w", err)
		}
		w.changed += 1 + len(packed)/int(w.pageSize)
	}
	first, last := x.newest[0].received, x.newest[0].received
	for _, e := range x.newest[:rows] {
		first, last = min(first, e.received), max(last, e.received)
	}
	if _, err := w.exec(w.stmts.insertSpan, number, first, last); err != nil {
		return fmt.Errorf("indexing: %w", err)
	}
	return nil
}

// written forgets the oldest run, which is durable.
func (x *indexer) written() {
	number, rows := x.newest[0].seq/runs.Rows, x.oldestRun()
	x.newest = append(x.newest[:0], x.newest[rows:]...)
	x.until.Store((number+1)*runs.Rows - 1)
}

// oldestRun counts the rows in newest that belong to the same run as the first.
func (x *indexer) oldestRun() int {
	for i, e := range x.newest {
		if e.seq/runs.Rows != x.newest[0].seq/runs.Rows {
			return i
		}
	}
	return len(x.newest)
}

// restore finds how far the runs in the file reach and reads the rows after them.
func (x *indexer) restore(ctx context.Context, w *writer) error {
	var until int64
	if err := w.conn.QueryRowContext(ctx, "SELECT coalesce((max(number) + 1) * ?, 1) - 1 FROM run", runs.Rows).Scan(&until); err != nil {
		return err
	}
	x.until.Store(until)
	rows, err := w.conn.QueryContext(ctx, "SELECT "+columns+" FROM notification WHERE seq > ? ORDER BY seq", until)
	if err != nil {
		return err
	}
	newest, err := scanAll(rows, (*row).fields)
	for i := range newest {
		x.add(newest[i].seq, newest[i].received, newest[i].Notification)
	}
	return err
}

package sqlite

import (
	"fmt"
	"sync/atomic"
)

const (
	// unindexedRows is how many of the newest rows stay out of the secondary indexes; a search reads through them, some milliseconds.
	unindexedRows = 1024
	// indexStep is how many rows are indexed in one transaction, some milliseconds too.
	indexStep = 1024
)

// indexer brings rows into the secondary indexes once they are no longer the newest, many in one transaction. Next to each other they
// share pages of the index, so this costs a fraction of what it would as each row arrives.
type indexer struct {
	until   atomic.Int64 // every row up to this seq is indexed, durably
	reached int64        // the same, in the transaction under way
	retryAt int64        // after a failure: the seq to wait for
}

// due reports that there is a full step to index. After a failure another step's rows have to arrive first.
func (x *indexer) due(w *writer) bool {
	return w.nextSeq-1-x.reached >= unindexedRows+indexStep && w.nextSeq >= x.retryAt
}

// step indexes the oldest rows that are not, up to the number given.
func (x *indexer) step(w *writer, rows int64) error {
	rows = min(rows, w.nextSeq-1-x.reached)
	if rows <= 0 {
		return nil
	}
	if _, err := w.exec(w.stmts.index, x.reached, x.reached+rows); err != nil {
		return fmt.Errorf("indexing: %w", err)
	}
	w.changed += int(rows)
	x.reached += rows
	return nil
}

// all indexes what is left, for work that only looks at indexed rows.
func (x *indexer) all(w *writer) error { return x.step(w, w.nextSeq) }

func (x *indexer) committed()  { x.until.Store(x.reached) }
func (x *indexer) rolledBack() { x.reached = x.until.Load() }

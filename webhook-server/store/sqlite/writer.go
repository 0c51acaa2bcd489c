package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

const (
	// queueLength bounds what waits for the writer; beyond it callers wait for a place, or for the end of their context.
	queueLength = 4096
	// maxBatch bounds what one commit carries, and so how long the first of them waits.
	maxBatch = 1024
)

// writer is the one goroutine that writes, on a connection of its own.
type writer struct {
	db       *sql.DB
	conn     *sql.Conn
	log      *slog.Logger
	now      func() time.Time
	onCommit func(store.Commit)
	queue    *queue
	index    *indexer
	place    *place
	maxBytes int64
	pageSize int64
	stmts    statements

	nextSeq  int64
	rows     []any               // to be inserted: the values of one row after those of the other
	merges   map[mergeKey]string // the ids of rows of the transaction under way that others may be merged into
	final    finalCounts
	manyDead atomic.Bool // as final has it, for searches
	changed  int         // rows written in the transaction under way
	failing  bool

	ops        chan *op
	restartLog chan struct{}
	stopping   chan struct{}
	stopped    chan struct{}
	progress   *checkpointer
}

func newWriter(db *sql.DB, q *queue, o Options) *writer {
	return &writer{
		db: db, queue: q, log: o.Logger, now: o.Now, onCommit: o.OnCommit, maxBytes: o.MaxBytes, index: &indexer{}, merges: map[mergeKey]string{},
		ops: make(chan *op, queueLength), restartLog: make(chan struct{}),
		stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
}

func (w *writer) start(c *checkpointer) {
	w.progress = c
	go w.run()
}

// stop lets what is queued commit.
func (w *writer) stop() {
	close(w.stopping)
	<-w.stopped
}

func (w *writer) close() error {
	var errs []error
	errs = append(errs, w.stmts.close())
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

func (w *writer) run() {
	defer close(w.stopped)
	batch := make([]*op, 0, maxBatch)
	for {
		select {
		case first := <-w.ops:
			w.commit(w.gather(append(batch[:0], first)))
		case <-w.restartLog:
			w.startLogOver()
		case <-w.stopping:
			for batch = w.gather(batch[:0]); len(batch) > 0; batch = w.gather(batch[:0]) {
				w.commit(batch)
			}
			return
		}
	}
}

// gather adds what else is waiting. It yields once, so that the callers whom the last commit has just answered can come back with
// their next request; otherwise every other commit would carry a single one.
func (w *writer) gather(batch []*op) []*op {
	runtime.Gosched()
	for len(batch) < maxBatch {
		select {
		case o := <-w.ops:
			batch = append(batch, o)
		default:
			return batch
		}
	}
	return batch
}

// commit does one batch in one transaction. An operation that fails for its own values fails alone; anything else fails all of them.
func (w *writer) commit(batch []*op) {
	started := w.now()
	batch = take(batch)
	err := w.transact(func() error { return w.applyAll(batch) })
	w.report(batch, w.now().Sub(started), err)
	for _, o := range batch {
		if err != nil && !isOwnFault(o.err) {
			o.err = err
		}
		if o.finished != nil {
			o.finished(o.err)
		}
		o.result <- o.err
	}
	if err == nil && w.index.due(w) {
		w.indexMore()
	}
}

func (w *writer) applyAll(batch []*op) error {
	for _, o := range batch {
		if o.kind != appendOp {
			if err := w.insertRows(); err != nil {
				return err
			}
		}
		o.err = o.apply(w)
		if o.err != nil && !isOwnFault(o.err) {
			return o.err
		}
	}
	return w.insertRows()
}

// indexMore runs after the callers have their answer, and its failure is not theirs: the rows stay for the next time.
func (w *writer) indexMore() {
	err := w.transact(func() error { return w.index.write(w) })
	if err != nil {
		w.index.retryAt = w.nextSeq + runs.Rows
		w.log.Warn("indexing failed; searches get slower until it succeeds", "error", err)
		return
	}
	w.index.written()
}

// transact runs the work in a transaction and flushes it to the disk.
func (w *writer) transact(work func() error) error {
	w.changed, w.rows = 0, w.rows[:0]
	clear(w.merges)
	before := w.final
	if err := w.place.check(w.now()); err != nil {
		return err
	}
	if _, err := w.exec(w.stmts.begin); err != nil {
		w.rollBack()
		return asFull(fmt.Errorf("beginning a transaction: %w", err))
	}
	if err := work(); err != nil {
		w.rollBack()
		w.final = before
		return asFull(err)
	}
	if _, err := w.exec(w.stmts.commit); err != nil {
		w.rollBack()
		w.final = before
		return asFull(fmt.Errorf("committing: %w", err))
	}
	w.progress.wrote(w.changed)
	w.manyDead.Store(w.final.areManyDead())
	return nil
}

// rollBack ends the transaction. Its error is not looked at: SQLite may have ended the transaction already, and if it has not, the
// next BEGIN fails and leads here again.
func (w *writer) rollBack() {
	_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK")
}

// exec runs a statement to its end: what the writer has begun it does not leave half done, whatever becomes of the callers.
func (w *writer) exec(stmt *sql.Stmt, args ...any) (sql.Result, error) {
	return stmt.ExecContext(context.Background(), args...)
}

// change runs a statement, counts the rows that it changed as written, and says how many there were.
func (w *writer) change(stmt *sql.Stmt, args ...any) (int, error) {
	result, err := w.exec(stmt, args...)
	if err != nil {
		return 0, err
	}
	rows, err := result.RowsAffected()
	w.changed += int(rows)
	return int(rows), err
}

// report tells the observer and the log what came of a batch.
func (w *writer) report(batch []*op, took time.Duration, err error) {
	if err == nil && w.changed == 0 {
		return // a batch of questions only
	}
	switch {
	case err != nil && !w.failing:
		w.log.Error("store cannot write", "error", err)
	case err == nil && w.failing:
		w.log.Info("store writes again")
	}
	w.failing = err != nil
	commit := store.Commit{Duration: took, Err: err}
	for _, o := range batch {
		switch o.kind {
		case appendOp:
			commit.Appends++
		case recordOp:
			commit.Records++
		case otherOp:
		}
	}
	if w.onCommit != nil {
		w.onCommit(commit)
	}
}

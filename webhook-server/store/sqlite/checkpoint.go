package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
)

const (
	// checkpointEvery is about how many pages are written between two checkpoints: 4 MiB of log.
	checkpointEvery = 1024
	// longLog is the length of the log, in pages, at which the writer is asked to start it over: 16 MiB.
	longLog = 4096
)

// checkpointer copies the write-ahead log into the file beside the writer, so that no append waits for it.
//
// Under steady load the log never ends for such a checkpoint to reach, and would grow for ever. Once it is long, the writer
// finishes the checkpoint itself: little is left by then.
type checkpointer struct {
	db       *sql.DB
	log      *slog.Logger
	every    int // pages
	long     int // pages
	pages    int // written since the last signal; only the writer touches it
	due      chan struct{}
	stopping chan struct{}
	stopped  chan struct{}
}

func newCheckpointer(path string, log *slog.Logger) (*checkpointer, error) {
	db, err := connect(path, 1)
	if err != nil {
		return nil, err
	}
	return &checkpointer{
		db: db, log: log, every: checkpointEvery, long: longLog,
		due: make(chan struct{}, 1), stopping: make(chan struct{}), stopped: make(chan struct{}),
	}, nil
}

// wrote says that the writer has changed about so many pages.
func (c *checkpointer) wrote(pages int) {
	c.pages += pages
	if c.pages < c.every {
		return
	}
	c.pages = 0
	select {
	case c.due <- struct{}{}:
	default: // one is due already
	}
}

func (c *checkpointer) start(w *writer) { go c.run(w) }

func (c *checkpointer) stop() {
	close(c.stopping)
	<-c.stopped
}

func (c *checkpointer) run(w *writer) {
	defer close(c.stopped)
	for {
		select {
		case <-c.stopping:
			return
		case <-c.due:
			c.checkpoint(w)
		}
	}
}

func (c *checkpointer) checkpoint(w *writer) {
	var busy, length, copied int
	err := c.db.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &length, &copied)
	if err != nil {
		c.log.Warn("checkpoint failed; the log grows until one succeeds", "error", err)
		return
	}
	if length < c.long {
		return
	}
	select {
	case w.restartLog <- struct{}{}:
	case <-c.stopping:
	}
}

// startLogOver finishes the checkpoint between two commits. It does not wait for readers: if one still needs the log, the next
// checkpoint asks again.
func (w *writer) startLogOver() {
	for _, pragma := range []string{"PRAGMA busy_timeout(0)", "PRAGMA wal_checkpoint(RESTART)", "PRAGMA busy_timeout(2000)"} {
		if _, err := w.conn.ExecContext(context.Background(), pragma); err != nil {
			w.log.Warn("starting the log over failed; it grows until that succeeds", "error", err)
		}
	}
}

// Package sqlite is the embedded engine: one file on one volume, for one replica.
//
// One goroutine writes. Whatever arrives while a commit is under way shares the next one (group commit, no timer), and every commit is
// flushed to the disk before anyone is told of it. Claims are kept in memory, since no other process has the file.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Options says which file to open and how.
type Options struct {
	// Path is the file; it is created with mode 0600 when missing, its folder is not. SQLite keeps PATH-wal and PATH-shm beside
	// it and this package PATH-lock. The volume must be a local one or a block device: the log is shared memory, which NFS cannot give.
	Path string
	// MaxBytes bounds what the notifications and revocations may occupy in the file: beyond it Append and Revoke answer store.ErrFull,
	// while outcomes are still recorded and pruning still makes room. The write-ahead log, usually under 20 MiB, comes on top. 0: only the disk sets a limit.
	MaxBytes int64
	// Logger is required.
	Logger *slog.Logger
	// OnCommit, when set, is told of every group commit that wrote something. It is called from the writer: it must not block.
	OnCommit func(store.Commit)
	// Now is the clock, for durations and for numbering leases; time.Now when nil. What is due is decided by the instants that callers name.
	Now func() time.Time
}

// Store is a store.Store on one SQLite file.
type Store struct {
	log     *slog.Logger
	path    string
	lock    *os.File
	queue   *queue
	id      string
	readers readers
	claimed *sql.Stmt
	writer  *writer

	checkpointer *checkpointer

	closeOnce sync.Once
	closeErr  error
}

var (
	_ store.Store = (*Store)(nil)
)

// Open opens or creates the store. It reads the place of every waiting notification in the queue: about a second for a million.
// Errors: ErrInUse, ErrNewerSchema, or whatever the file system says.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("store path %q: %w", o.Path, err)
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	s := &Store{log: o.Logger, path: path, lock: lock, queue: newQueue(o.Now().UnixMicro())}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("opening store %s: %w", path, err), s.closeFiles())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) error {
	if err := createFile(s.path); err != nil {
		return err
	}
	writing, err := connect(s.path, 1, "cache_size(-16000)") // 16 MB: the end of the table and of its indexes
	if err != nil {
		return err
	}
	s.writer = newWriter(writing, s.queue, o)
	if err := migrate(ctx, writing); err != nil {
		return err
	}
	if s.writer.place, err = newPlace(s.path); err != nil {
		return err
	}
	if err := s.readers.open(s.path); err != nil {
		return err
	}
	s.claimed, err = s.readers.urgent.PrepareContext(ctx, "SELECT "+claimColumns+" FROM notification WHERE seq IN (SELECT value FROM json_each(?))")
	if err != nil {
		return err
	}
	if err := s.readers.urgent.QueryRowContext(ctx, "SELECT id FROM store").Scan(&s.id); err != nil {
		return fmt.Errorf("reading the store's id: %w", err)
	}
	if s.checkpointer, err = newCheckpointer(s.path, s.log); err != nil {
		return err
	}
	if err := s.writer.prepare(ctx); err != nil {
		return err
	}
	if err := s.restore(ctx); err != nil {
		return err
	}
	s.writer.start(s.checkpointer)
	s.checkpointer.start(s.writer)
	return nil
}

// ID implements store.Store. A copy of the file has the same: two servers that are given one each would be taken for replicas of one store.
func (s *Store) ID() string { return s.id }

// Close lets what is queued commit, moves the write-ahead log into the file and ends the store. Later calls answer store.ErrClosed.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.checkpointer.stop()
		s.writer.stop()
		s.closeErr = s.closeFiles()
	})
	return s.closeErr
}

// closeFiles closes what has been opened so far. The connection that closes last moves the write-ahead log into the file.
func (s *Store) closeFiles() error {
	var errs []error
	if s.checkpointer != nil {
		errs = append(errs, s.checkpointer.db.Close())
	}
	if s.claimed != nil {
		errs = append(errs, s.claimed.Close())
	}
	errs = append(errs, s.readers.close())
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	errs = append(errs, s.lock.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing store %s: %w", s.path, err)
	}
	return nil
}

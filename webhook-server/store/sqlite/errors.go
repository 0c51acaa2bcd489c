package sqlite

import (
	"errors"
	"fmt"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// ErrInUse says that another process has the file open. The embedded store is for one replica.
var ErrInUse = errors.New("store is in use by another process")

// ErrNewerSchema says that a newer release wrote the file.
var ErrNewerSchema = errors.New("store was written by a newer release")

// asFull wraps err with store.ErrFull when it says that the disk took no more. A write that failed for another reason of the
// disk's counts too: D1 gets the same answer and the same recovery applies.
func asFull(err error) error {
	if err == nil || errors.Is(err, store.ErrFull) {
		return err
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	switch resultCode(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC, sqlite3.SQLITE_IOERR_TRUNCATE:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}

// isOwnFault reports that an operation failed for its own values or was refused before it wrote, so that the others of its
// transaction are sound.
func isOwnFault(err error) bool {
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrNotFound) {
		return true
	}
	switch resultCode(err) & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return true
	}
	return false
}

// resultCode is SQLite's extended result code, or 0 for another error.
func resultCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockFile takes PATH-lock for this process, until the answered file is closed. The lock is on a file of its own so that the sqlite3
// command can still look into the store.
func lockFile(path string) (*os.File, error) {
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("store %s: its folder %s must exist, for example as a mounted volume: %w", path, folder, errors.Join(fs.ErrNotExist, err))
	}
	lock, err := os.OpenFile(path+"-lock", os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- the operator's own choice of path
	if err != nil {
		return nil, fmt.Errorf("store %s: creating its lock file: %w", path, err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // #nosec G115 -- a descriptor fits an int
	if err == nil {
		return lock, nil
	}
	_ = lock.Close() // nothing was written to it
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s: the embedded store is for one replica: stop the other process, or share a database between several replicas with --store postgres://…", ErrInUse, path)
	}
	return nil, fmt.Errorf("store %s: locking: %w", path, err)
}

// createFile makes an empty file that only this user may read, before SQLite would make one that others may; -wal and -shm take
// their mode from it. The folder is flushed, or a power cut could forget the file's name.
func createFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the operator's own choice of path
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return flushFolder(path)
}

// connect opens a pool of up to limit connections.
func connect(path string, limit int, pragmas ...string) (*sql.DB, error) {
	settings := append([]string{
		"busy_timeout(2000)", // someone may be looking into the file with the sqlite3 command
		"journal_mode(WAL)",
		"synchronous(FULL)",     // flush the log at every commit: 204 means durable
		"wal_autocheckpoint(0)", // the checkpointer does it, so that no commit has to
		"temp_store(MEMORY)",    // the root file system may be read-only
		"trusted_schema(0)",
	}, pragmas...)
	address := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": settings, "_txlock": {"deferred"}}.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(limit)
	db.SetMaxIdleConns(limit)
	return db, nil
}

func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

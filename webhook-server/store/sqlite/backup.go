package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Backup writes a copy of the store to a new file while work goes on, as BackupFile does.
func (s *Store) Backup(ctx context.Context, to string) error {
	if err := s.closed(); err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	return BackupFile(ctx, s.path, to)
}

// BackupFile writes a copy of the store in the file from to the new file to, which only this user may read. The store may be open, in this process or in
// another, and written to meanwhile: the copy is what it held at one instant after the call began, so everything acknowledged before the call is in it.
// It reads only, and holds nobody up; but the write-ahead log cannot start over before it is done, and grows by what is written until then.
//
// The copy is a store that can be opened. It has the same ID: it is for taking the place of the first, not for working beside it. Nothing that was
// claimed is claimed in it, so an attempt that was under way is made again.
//
// A file that exists is never overwritten (fs.ErrExist). After an error there is no copy; after a kill there may be a part of one.
func BackupFile(ctx context.Context, from, to string) error {
	if err := backUp(ctx, from, to); err != nil {
		return fmt.Errorf("backing up %s to %s: %w", from, to, err)
	}
	return nil
}

func backUp(ctx context.Context, from, to string) error {
	db, err := openReadOnly(ctx, from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the operator's own choice of path
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if _, err = db.ExecContext(ctx, "VACUUM INTO ?", to); err == nil { // into an empty file it goes
		err = errors.Join(file.Sync(), flushFolder(to))
	}
	if err = errors.Join(err, file.Close(), db.Close()); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// openReadOnly opens a file that must be a store, on one connection that cannot write.
func openReadOnly(ctx context.Context, path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	settings := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(2000)", "temp_store(MEMORY)", "trusted_schema(0)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var version int
	if err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err == nil && version == 0 {
		err = errors.New("it is no store")
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// flushFolder has the folder remember the file's name, which a power cut could make it forget.
func flushFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path)) // #nosec G304 -- the operator's own choice of path
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

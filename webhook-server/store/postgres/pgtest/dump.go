package pgtest

import (
	"context"
	"fmt"
	"path/filepath"
)

// Dump has pg_dump write a database, of which the URL is given, to a file in its custom format. The server's user must be able to write there; Folder is such a place.
func (s *Server) Dump(ctx context.Context, databaseURL, file string) error {
	if output, err := s.command(ctx, "pg_dump", "--format=custom", "--file="+file, "--dbname="+databaseURL).CombinedOutput(); err != nil {
		return fmt.Errorf("pg_dump: %w: %s", err, output)
	}
	return nil
}

// Restore has pg_restore make a new database of what Dump has written, and answers its URL.
func (s *Server) Restore(ctx context.Context, file string) (databaseURL string, err error) {
	if databaseURL, err = s.CreateDatabase(ctx); err != nil {
		return "", err
	}
	if output, err := s.command(ctx, "pg_restore", "--exit-on-error", "--dbname="+databaseURL, file).CombinedOutput(); err != nil {
		return "", fmt.Errorf("pg_restore: %w: %s", err, output)
	}
	return databaseURL, nil
}

// Folder is the server's own; it goes with it.
func (s *Server) Folder() string { return filepath.Clean(s.dir) }

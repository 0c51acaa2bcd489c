package sqlite_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Store {
		path := newPath(t)
		return func() store.Store { return open(t, path) }
	})
}

func newPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "store.db")
}

// open opens a store that closes with the test.
func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), options(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

func options(path string) sqlite.Options {
	return sqlite.Options{Path: path, Logger: slog.New(slog.DiscardHandler)}
}

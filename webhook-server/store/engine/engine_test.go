package engine_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/engine"
)

func TestOpenSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space & %41.db")
	for _, storeURL := range []string{"sqlite:" + path, "sqlite://" + path, "sqlite:" + path + "?max-bytes=100000000"} {
		commits := 0
		s, err := engine.Open(t.Context(), storeURL, quiet(), func(store.Commit) { commits++ })
		if err != nil {
			t.Fatalf("%s: %v", storeURL, err)
		}
		if _, err := s.Append(t.Context(), store.Notification{ID: storeURL, ReceivedAt: time.Now(), Lane: "l"}); err != nil {
			t.Errorf("%s: appending: %v", storeURL, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: closing: %v", storeURL, err)
		}
		if commits != 1 {
			t.Errorf("%s: the observer was told of %d commits, want 1", storeURL, commits)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", storeURL, err)
		}
	}
}

func TestOpenHonoursMaxBytes(t *testing.T) {
	s, err := engine.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "store.db")+"?max-bytes=1", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Append(t.Context(), store.Notification{ID: "1"}); !errors.Is(err, store.ErrFull) {
		t.Errorf("appending: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing", "store.db")
	for name, c := range map[string]struct {
		storeURL string
		names    string // what the error must name
	}{
		"nothing":                    {"", "sqlite:/"},
		"a path without a scheme":    {"/var/lib/store.db", "sqlite:/"},
		"another scheme":             {"mysql:x", `"mysql"`},
		"no path":                    {"sqlite:", "sqlite:/"},
		"an unknown option":          {"sqlite:x.db?mode=ro", `"mode"`},
		"a limit that is no number":  {"sqlite:x.db?max-bytes=1G", `"1G"`},
		"a limit of nothing":         {"sqlite:x.db?max-bytes=0", `"0"`},
		"two limits":                 {"sqlite:x.db?max-bytes=1&max-bytes=2", `"max-bytes"`},
		"a malformed query":          {"sqlite:x.db?%zz", "options"},
		"a folder that is not there": {"sqlite:" + missing, filepath.Dir(missing)},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := engine.Open(context.Background(), c.storeURL, quiet())
			if err == nil || s != nil {
				t.Fatalf("opened %v, error %v", s, err)
			}
			if !strings.Contains(err.Error(), "--store") || !strings.Contains(err.Error(), c.names) {
				t.Errorf("error %q does not name --store and %s", err, c.names)
			}
		})
	}
	if _, err := os.Stat(filepath.Dir(missing)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the missing folder was created: %v", err)
	}
}

func TestOpenKeepsCredentialsOutOfErrors(t *testing.T) {
	for _, storeURL := range []string{"oracle://user:s3cret@db.example/x", "user%3As3cret@db.example/x"} {
		if _, err := engine.Open(t.Context(), storeURL, quiet()); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %v", err)
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

func TestABackupUnderLoadHasAllThatWasAcknowledgedBefore(t *testing.T) {
	s := open(t, newPath(t))
	enough, stop, acknowledged := keepAppending(t, s, 3000)
	select {
	case <-enough:
	case <-time.After(time.Minute):
		t.Fatal("too little was appended")
	}
	before := acknowledged()
	copied := newPath(t)
	if err := s.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	stop()

	restored := open(t, copied)
	if restored.ID() != s.ID() {
		t.Errorf("the copy has the id %s, want %s", restored.ID(), s.ID())
	}
	waiting := waitingByID(t, restored)
	for id := range before {
		if !waiting[id] {
			t.Fatalf("%s was acknowledged before the backup and is not in it", id)
		}
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %v, %v", info.Mode(), err)
	}
}

// keepAppending appends from eight goroutines until it is stopped or fails, and says when so many are acknowledged.
func keepAppending(t *testing.T, s store.Store, many int) (enough <-chan struct{}, stop func(), acknowledged func() map[string]bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var all sync.WaitGroup
	ids := map[string]bool{}
	reached := make(chan struct{})
	for range 8 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id, err := s.Append(ctx, storetest.LoadNotification(i))
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("appending: %v", err)
					}
					return
				}
				mu.Lock()
				if ids[id] = true; len(ids) == many {
					close(reached)
				}
				mu.Unlock()
			}
		})
	}
	stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(stop)
	return reached, stop, func() map[string]bool {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(ids)
	}
}

func TestABackupHasEverythingThatTheStoreHas(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	appendVaried(t, s)
	want := everything(t, s)
	t.Run("of an open store", func(t *testing.T) {
		wantCopy(t, want, func(to string) error { return s.Backup(t.Context(), to) })
	})
	t.Run("of an open store's file", func(t *testing.T) {
		wantCopy(t, want, func(to string) error { return sqlite.BackupFile(t.Context(), path, to) })
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("of a closed store's file", func(t *testing.T) {
		wantCopy(t, want, func(to string) error { return sqlite.BackupFile(t.Context(), path, to) })
	})
	if err := s.Backup(t.Context(), newPath(t)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("backing up a closed store: %v", err)
	}
}

func wantCopy(t *testing.T, want contents, backUp func(to string) error) {
	t.Helper()
	to := newPath(t)
	if err := backUp(to); err != nil {
		t.Fatal(err)
	}
	if got := everything(t, open(t, to)); !reflect.DeepEqual(got, want) {
		t.Errorf("the copy has %+v, want %+v", got, want)
	}
}

func TestABackupThatCannotBeMadeLeavesNothing(t *testing.T) {
	path := newPath(t)
	open(t, path)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	other := newPath(t)
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		from string
		want error
	}{
		"there is no such file": {t.Context(), newPath(t), fs.ErrNotExist},
		"it is no store":        {t.Context(), other, nil},
		"the context has ended": {ended, path, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			to := newPath(t)
			if err := sqlite.BackupFile(c.ctx, c.from, to); err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if files, err := filepath.Glob(to + "*"); err != nil || len(files) != 0 {
				t.Errorf("left %v, %v", files, err)
			}
		})
	}
}

func TestABackupNeverOverwrites(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	taken := newPath(t)
	if err := os.WriteFile(taken, nil, 0o600); err != nil { // SQLite itself would write to an empty file
		t.Fatal(err)
	}
	for _, to := range []string{taken, path} {
		if err := s.Backup(t.Context(), to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("backing up to %s: %v", to, err)
		}
	}
	if info, err := os.Stat(taken); err != nil || info.Size() != 0 {
		t.Errorf("the file that was there: %v, %v", info, err)
	}
}

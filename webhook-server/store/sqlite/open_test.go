package sqlite_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

func TestOpenNeedsTheFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "missing")
	_, err := sqlite.Open(t.Context(), options(filepath.Join(folder, "store.db")))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), folder) {
		t.Errorf("error %v, want one that names %s", err, folder)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was created: %v", err)
	}
}

func TestOnlyThisUserMayReadTheFiles(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	if _, err := s.Append(t.Context(), storetest.LoadNotification(1)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 4 {
		t.Fatalf("files %v, %v; want the file, its log, its shared memory and its lock", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", file, info.Mode(), err)
		}
	}
}

func TestASecondOpenIsRefusedUntilTheFirstIsClosed(t *testing.T) {
	path := newPath(t)
	first := open(t, path)
	if _, err := sqlite.Open(t.Context(), options(path)); !errors.Is(err, sqlite.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("second open: %v", err)
	}
	if _, err := first.Append(t.Context(), storetest.LoadNotification(1)); err != nil {
		t.Errorf("the first store after that: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestANewerSchemaIsRefused(t *testing.T) {
	path := newPath(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, path, "PRAGMA user_version = 1000")
	if _, err := sqlite.Open(t.Context(), options(path)); !errors.Is(err, sqlite.ErrNewerSchema) {
		t.Errorf("opening: %v", err)
	}
	execute(t, path, "PRAGMA user_version = 3")
	open(t, path) // the refusal has let go of the lock
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	path := newPath(t)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), options(path)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opening: %v", err)
	}
}

func TestCloseLeavesEverythingInTheFileItself(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	if _, err := storetest.AppendLoad(t.Context(), s, 8, 100); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	records, err := open(t, path+".moved").List(t.Context(), store.Filter{})
	if err != nil || len(records) != 100 {
		t.Errorf("listed %d, %v", len(records), err)
	}
}

// The queue lives in memory: after a restart it must be as if nothing had happened, but for claims, which are gone.
func TestARestartRestoresTheQueue(t *testing.T) {
	path := newPath(t)
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	s := open(t, path)
	appendAt(t, s, now, 4500) // some of them in a run, some not
	settle(t, s, now)
	wantLanes, wantList := lanesAndList(t, s)
	if _, err := s.Claim(t.Context(), "lane", now.Add(time.Hour), 10, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, path)
	lanes, list := lanesAndList(t, s)
	if !slices.Equal(lanes, wantLanes) || !reflect.DeepEqual(list, wantList) {
		t.Errorf("after the restart %+v, want %+v; the same list: %t", lanes, wantLanes, reflect.DeepEqual(list, wantList))
	}
	if due, ok, err := s.NextDue(t.Context(), now.Add(2*time.Second)); err != nil || !ok || !due.Equal(now.Add(time.Hour)) {
		t.Errorf("next due %s, %t, %v", due, ok, err)
	}
	claimed, err := s.Claim(t.Context(), "lane", now.Add(time.Hour), 9000, time.Minute)
	if err != nil || len(claimed) != 4000 {
		t.Errorf("claimed %d, %v; want all that wait, the retries and those claimed before", len(claimed), err)
	}
}

func TestARestartKeepsEverything(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	appendVaried(t, s)
	want := everything(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := everything(t, open(t, path)); !reflect.DeepEqual(got, want) {
		t.Errorf("after the restart %+v, want %+v", got, want)
	}
}

// settle delivers 300, gives up 200 and puts off 100.
func settle(t *testing.T, s *sqlite.Store, now time.Time) {
	t.Helper()
	claimed, err := s.Claim(t.Context(), "lane", now.Add(time.Second), 600, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range claimed {
		o := store.Outcome{ID: d.ID, Lease: d.Lease, At: now.Add(time.Second), State: store.Delivered}
		switch {
		case i%6 < 2:
			o.State, o.Reason = store.Dead, "gone"
		case i%6 == 2:
			o.State, o.Reason, o.NextAttempt = store.Waiting, "timeout", now.Add(time.Hour)
		}
		if err := s.Record(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

func appendAt(t *testing.T, s *sqlite.Store, now time.Time, count int) {
	t.Helper()
	for i := range count {
		n := storetest.LoadNotification(i)
		n.ReceivedAt, n.Lane = now, "lane"
		if _, err := s.Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
}

func lanesAndList(t *testing.T, s *sqlite.Store) ([]store.LaneStats, []store.Record) {
	t.Helper()
	lanes, err := s.Lanes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.List(t.Context(), store.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return lanes, list
}

// execute changes the file behind the store's back.
func execute(t testing.TB, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

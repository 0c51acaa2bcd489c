package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// impatient is for tests that wait for a bound.
var impatient = bounds{answer: 500 * time.Millisecond, search: time.Second, renew: 50 * time.Millisecond, abandoned: time.Second}

// openImpatient opens a store at a URL and closes it with the test.
func openImpatient(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet()
	}
	s, err := openWith(context.WithoutCancel(t.Context()), o, impatient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// appendSoon appends until it succeeds once, and answers the errors until then.
func appendSoon(t *testing.T, s *Store, n store.Notification) (failures []error) {
	t.Helper()
	waitFor(t, func() bool {
		_, err := s.Append(t.Context(), n)
		if err != nil {
			failures = append(failures, err)
		}
		return err == nil
	})
	return failures
}

func TestWhatWasAcknowledgedSurvivesACrashOfTheServer(t *testing.T) {
	server := pgtest.Start(t, pgtest.Options{})
	s := openImpatient(t, Options{URL: server.Database(t)})
	var acknowledged sync.Map
	var all sync.WaitGroup
	enough, crashed := make(chan struct{}, 2000), make(chan struct{})
	for range 16 {
		all.Go(func() {
			for {
				n := storetest.LoadNotification(1)
				if _, err := s.Append(t.Context(), n); err == nil {
					acknowledged.Store(n.ID, true)
					enough <- struct{}{}
					continue
				}
				select {
				case <-crashed:
					return
				default:
				}
			}
		})
	}
	for range 1000 {
		<-enough
	}
	server.Kill()
	close(crashed)
	go func() {
		for range enough { // those that were on their way
		}
	}()
	all.Wait()
	close(enough)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendSoon(t, s, storetest.LoadNotification(1))
	acknowledged.Range(func(id, _ any) bool {
		var err error
		waitFor(t, func() bool { // each connection of before is found to be gone when it is used
			_, err = s.Get(t.Context(), id.(string))
			return err == nil || errors.Is(err, store.ErrNotFound)
		})
		if err != nil {
			t.Errorf("%s was acknowledged: %v", id, err)
		}
		return true
	})
}

func TestAnOutageEndsByItself(t *testing.T) {
	server := pgtest.Start(t, pgtest.Options{})
	s := openImpatient(t, Options{URL: server.Database(t)})
	n := storetest.LoadNotification(1)
	appendSoon(t, s, n)
	claimed, err := s.Claim(t.Context(), n.Lane, time.Now(), 1, time.Hour)
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	outcome := store.Outcome{ID: n.ID, Lease: claimed[0].Lease, State: store.Delivered, At: time.Now()}
	server.Stop()
	for name, err := range map[string]error{
		"Check": s.Check(t.Context()), "Record": s.Record(t.Context(), outcome), "Append": second(s.Append(t.Context(), n)),
		"DueLanes": second(s.DueLanes(t.Context(), time.Now())),
	} {
		if err == nil || errors.Is(err, store.ErrLeaseLost) || errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrFull) {
			t.Errorf("%s while the server is away: %v", name, err)
		}
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return s.Check(t.Context()) == nil })
	appendSoon(t, s, storetest.LoadNotification(2))
	if err := s.Record(t.Context(), outcome); err != nil {
		t.Errorf("recording under the lease of before: %v", err)
	}
}

// second answers the error of a call.
func second[T any](_ T, err error) error { return err }

func TestAServerThatTakesNoWritesFailsTheCheck(t *testing.T) {
	databaseURL := server.Database(t)
	s := openImpatient(t, Options{URL: databaseURL})
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, s, "ALTER DATABASE "+databaseName(t, databaseURL)+" SET default_transaction_read_only = on")
	cutConnections(t, s)
	waitFor(t, func() bool { return s.Check(t.Context()) != nil })
	if _, err := s.Append(t.Context(), storetest.LoadNotification(1)); err == nil || errors.Is(err, store.ErrFull) {
		t.Errorf("appending: %v", err)
	}
}

func TestAFullDiskIsToldAsSuch(t *testing.T) {
	commits := make(chan store.Commit, 16)
	s := openImpatient(t, Options{URL: server.Database(t), OnCommit: func(c store.Commit) { commits <- c }})
	appendSoon(t, s, storetest.LoadNotification(1))
	if c := <-commits; c.Err != nil || c.Appends != 1 {
		t.Errorf("the observer was told of %+v", c)
	}
	for _, table := range []string{"notification", "probe", "revocation"} {
		execute(t, s, fmt.Sprintf(`CREATE FUNCTION full_%[1]s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
			CREATE TRIGGER full_disk BEFORE INSERT ON %[1]s FOR EACH STATEMENT EXECUTE FUNCTION full_%[1]s()`, table))
	}
	if _, err := s.Append(t.Context(), storetest.LoadNotification(2)); !errors.Is(err, store.ErrFull) {
		t.Errorf("appending: %v", err)
	}
	if c := <-commits; !errors.Is(c.Err, store.ErrFull) {
		t.Errorf("the observer was told of %+v", c)
	}
	if err := s.Check(t.Context()); !errors.Is(err, store.ErrFull) {
		t.Errorf("checking: %v", err)
	}
	for _, table := range []string{"notification", "probe", "revocation"} {
		execute(t, s, "DROP TRIGGER full_disk ON "+table)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("checking once there is room: %v", err)
	}
	appendSoon(t, s, storetest.LoadNotification(3))
}

func execute(t *testing.T, s *Store, statement string, args ...any) {
	t.Helper()
	if _, err := s.pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// cutConnections ends all connections to the test's database but this one.
func cutConnections(t *testing.T, s *Store) {
	t.Helper()
	execute(t, s, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
}

func databaseName(t *testing.T, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

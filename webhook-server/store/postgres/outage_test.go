package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// impatient is for tests that wait for a bound.
var impatient = bounds{answer: 500 * time.Millisecond, renew: 50 * time.Millisecond, abandoned: time.Second}

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
		if _, err := s.Get(t.Context(), id.(string)); err != nil {
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

// proxy forwards connections until it hangs.
type proxy struct {
	net.Listener
	to   string
	mu   sync.Mutex
	hung bool
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.forward(client)
		}
	}()
	return p
}

func (p *proxy) forward(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			defer func() { _ = way[0].Close() }()
			buffer := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buffer)
				p.mu.Lock()
				hung := p.hung
				p.mu.Unlock()
				if hung {
					_, _ = io.Copy(io.Discard, way[0]) // nothing arrives any more, and nobody is told
					return
				}
				if _, writeErr := way[1].Write(buffer[:n]); err != nil || writeErr != nil {
					_ = way[1].Close()
					return
				}
			}
		}()
	}
}

func (p *proxy) hang(hung bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hung = hung
}

func TestAConnectionThatHangsHoldsNobodyUp(t *testing.T) {
	databaseURL := server.Database(t)
	p := startProxy(t, server.Address())
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.Addr().String()
	s := openImpatient(t, Options{URL: u.String() + "?connect_timeout=1"})
	appendSoon(t, s, storetest.LoadNotification(1))
	p.hang(true)
	started := time.Now()
	if _, err := s.Append(t.Context(), storetest.LoadNotification(2)); err == nil {
		t.Error("an append was acknowledged by nobody")
	}
	if took := time.Since(started); took > 20*impatient.answer {
		t.Errorf("it took %s", took)
	}
	p.hang(false)
	appendSoon(t, s, storetest.LoadNotification(3))
}

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

func TestAPasswordInAFileIsChangedWhileTheStoreIsOpen(t *testing.T) {
	databaseURL := server.Database(t)
	admin := openAt(t, databaseURL)
	role := "rotated_" + databaseName(t, databaseURL)
	execute(t, admin, "CREATE ROLE "+role+" LOGIN SUPERUSER PASSWORD 'first-s3cret'")
	file := filepath.Join(t.TempDir(), "url")
	write := func(password string) {
		u, err := url.Parse(databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(role, password)
		if err := os.WriteFile(file, []byte(u.String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-s3cret")
	var log lockedBuffer
	s := openImpatient(t, Options{URLFile: file, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	appendSoon(t, s, storetest.LoadNotification(1))
	execute(t, admin, "ALTER ROLE "+role+" PASSWORD 'other-s3cret'")
	cutConnections(t, admin)
	var failures []error
	waitFor(t, func() bool {
		_, err := s.Append(t.Context(), storetest.LoadNotification(2))
		if err != nil {
			failures = append(failures, err)
		}
		return sqlState(err) == "28P01" // the password is wrong
	})
	write("other-s3cret")
	failures = append(failures, appendSoon(t, s, storetest.LoadNotification(3))...)
	for _, text := range append([]string{log.String()}, fmt.Sprint(failures)) {
		if strings.Contains(text, "s3cret") {
			t.Errorf("the password is in %s", text)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	execute(t, admin, "ALTER ROLE "+role+" NOLOGIN")
}

// lockedBuffer is a log that several write to.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func execute(t *testing.T, s *Store, statement string) {
	t.Helper()
	if _, err := s.pool.Exec(t.Context(), statement); err != nil {
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

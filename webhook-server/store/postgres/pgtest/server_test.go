package pgtest_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
)

func TestDatabasesAreApartAndLastOverAKill(t *testing.T) {
	s := pgtest.Start(t, pgtest.Options{Settings: map[string]string{"work_mem": "5MB"}})
	one, other := s.Database(t), s.Database(t)
	if one == other {
		t.Fatal("two tests would share a database")
	}
	ask(t, one, "CREATE TABLE kept (n integer); INSERT INTO kept VALUES (7)")
	s.Kill()
	if conn, err := pgx.Connect(t.Context(), one); err == nil {
		t.Errorf("a killed server answers: %v", conn.Close(t.Context()))
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := answer(t, one, "SELECT n::text FROM kept"); got != "7" {
		t.Errorf("read %s", got)
	}
	if got := answer(t, other, "SELECT count(*)::text FROM pg_tables WHERE tablename = 'kept'"); got != "0" {
		t.Errorf("the other database has it too")
	}
	for setting, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "work_mem": "5MB"} {
		if got := answer(t, one, "SHOW "+setting); got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	s := pgtest.Start(t, pgtest.Options{})
	config, err := pgx.ParseConfig(s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	config.Password = "another"
	if conn, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		t.Errorf("connected: %v", conn.Close(t.Context()))
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s, err := pgtest.New(t.Context(), pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(s.LogFile())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder: %v", err)
	}
}

func ask(t *testing.T, databaseURL, statement string) {
	t.Helper()
	conn := connect(t, databaseURL)
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func answer(t *testing.T, databaseURL, query string) (text string) {
	t.Helper()
	if err := connect(t, databaseURL).QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func connect(t *testing.T, databaseURL string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

package faults

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
)

// storage is a place for a store.
type storage struct {
	// url is the value of --store.
	url string
	// endLeases ends every claim as if its time were over; nil with an engine whose claims end with the process.
	endLeases func()
	// file is the embedded store's; empty with PostgreSQL.
	file string
	// postgres runs the database; nil with the embedded store.
	postgres *pgtest.Server
}

// engines are both, each with a place of its own.
var engines = []struct {
	name string
	make func(t testing.TB) storage
}{
	{"SQLite", newSQLite},
	{"PostgreSQL", newPostgreSQL},
}

func newSQLite(t testing.TB) storage {
	file := filepath.Join(t.TempDir(), "store.db")
	return storage{url: "sqlite:" + file, file: file}
}

// newPostgreSQL runs a server of the test's own, which may stop it.
func newPostgreSQL(t testing.TB) storage {
	t.Helper()
	server := pgtest.Start(t, pgtest.Options{Settings: map[string]string{"log_connections": "on"}})
	s := storage{url: server.Database(t), postgres: server}
	s.endLeases = func() {
		// A claim is a row with a lease, due when it ends.
		s.exec(t, "UPDATE notification SET next_attempt = 0 WHERE state = 0 AND lease <> 0")
	}
	return s
}

// through is the same database by way of another address.
func (s storage) through(t testing.TB, address string) storage {
	t.Helper()
	u := s.parse(t)
	u.Host = address
	s.url = u.String()
	return s
}

// connections is how many have been made to the database server, by its log.
func (s storage) connections(t testing.TB) int {
	t.Helper()
	log, err := os.ReadFile(s.postgres.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(log, []byte("connection authorized"))
}

// exec runs statements in the database.
func (s storage) exec(t testing.TB, statements ...string) {
	t.Helper()
	u := s.parse(t)
	if err := s.postgres.Exec(context.WithoutCancel(t.Context()), u.Path[1:], statements...); err != nil {
		t.Fatal(err)
	}
}

func (s storage) parse(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

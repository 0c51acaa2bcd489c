package postgres

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// server is one for all tests of the package; each has a database of its own. It does not wait for the disk, which no test could tell; what a crash leaves is tested with a server of its own.
var server *pgtest.Server

func TestMain(m *testing.M) {
	settings := map[string]string{"fsync": "off", "max_connections": "300"}
	os.Exit(pgtest.Main(m, pgtest.Options{Settings: settings}, func(s *pgtest.Server) { server = s }))
}

// openForTest opens an empty store, which is closed with the test.
func openForTest(tb testing.TB) *Store {
	tb.Helper()
	return openAt(tb, server.Database(tb))
}

// openAt opens one more store on a database, as another replica does.
func openAt(tb testing.TB, databaseURL string) *Store {
	tb.Helper()
	s, err := Open(context.WithoutCancel(tb.Context()), Options{URL: databaseURL, Logger: quiet()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("closing: %v", err)
		}
	})
	return s
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func place(t *testing.T) func() store.Store {
	databaseURL := server.Database(t)
	return func() store.Store { return openAt(t, databaseURL) }
}

func TestConformance(t *testing.T) { storetest.Run(t, place) }

func TestSharedConformance(t *testing.T) { storetest.RunShared(t, place) }

// openTwo opens an empty store twice, as two replicas have it.
func openTwo(tb testing.TB) []*Store {
	tb.Helper()
	databaseURL := server.Database(tb)
	return []*Store{openAt(tb, databaseURL), openAt(tb, databaseURL)}
}

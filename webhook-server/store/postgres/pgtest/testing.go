package pgtest

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// Main runs a package's tests with one server for all of them, which use receives first, and answers the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m, pgtest.Options{}, func(s *pgtest.Server) { server = s })) }
//
// Without PostgreSQL it says what to install and fails.
func Main(m *testing.M, o Options, use func(*Server)) (code int) {
	s, err := New(context.Background(), o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	use(s)
	code = m.Run()
	if err := s.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Start runs a server for one test, which it ends with.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	s, err := New(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("closing the server: %v", err)
		}
	})
	return s
}

// Database makes an empty database for one test and answers its URL, password included.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	databaseURL, err := s.CreateDatabase(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return databaseURL
}

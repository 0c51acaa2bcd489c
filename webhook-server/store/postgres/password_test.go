package postgres

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

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

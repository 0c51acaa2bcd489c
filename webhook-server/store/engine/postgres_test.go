package engine_test

import (
	"bytes"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/engine"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
)

func TestOpenPostgres(t *testing.T) {
	storeURL := pgtest.Start(t, pgtest.Options{}).Database(t)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(storeURL+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var id string
	for name, open := range map[string]func(...func(store.Commit)) (store.Store, error){
		"postgres://": func(o ...func(store.Commit)) (store.Store, error) {
			return engine.Open(t.Context(), storeURL, logger, o...)
		},
		"postgresql://": func(o ...func(store.Commit)) (store.Store, error) {
			return engine.Open(t.Context(), strings.Replace(storeURL, "postgres", "postgresql", 1), logger, o...)
		},
		"a file with it": func(o ...func(store.Commit)) (store.Store, error) {
			return engine.OpenPostgresFile(t.Context(), file, logger, o...)
		},
	} {
		commits := make(chan store.Commit, 1)
		s, err := open(func(c store.Commit) { commits <- c })
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := s.Append(t.Context(), store.Notification{ID: name, ReceivedAt: time.Now(), Lane: "l"}); err != nil {
			t.Errorf("%s: appending: %v", name, err)
		}
		if c := <-commits; c.Appends != 1 || c.Err != nil {
			t.Errorf("%s: the observer was told of %+v", name, c)
		}
		if id == "" {
			id = s.ID()
		}
		if s.ID() != id {
			t.Errorf("%s: another store", name)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: closing: %v", name, err)
		}
	}
	u, err := url.Parse(storeURL)
	if err != nil {
		t.Fatal(err)
	}
	if password, _ := u.User.Password(); password == "" || strings.Contains(log.String(), password) {
		t.Errorf("the log has the password: %s", log.String())
	}
}

func TestAPostgresThatCannotBeOpenedKeepsItsPassword(t *testing.T) {
	folder := t.TempDir()
	for name, storeURL := range map[string]string{
		"nobody listens":          "postgres://gateway:s3cret@127.0.0.1:1/d1gateway?connect_timeout=1",
		"a port that is no port":  "postgres://gateway:s3cret@127.0.0.1:s3cret/d1gateway",
		"a percent sign":          "postgresql://gateway:%s3cret@127.0.0.1/d1gateway",
		"an unknown mode of TLS":  "postgres://gateway:s3cret@127.0.0.1/d1gateway?sslmode=s3cret",
		"the password as a field": "postgres://127.0.0.1:1/d1gateway?password=s3cret&connect_timeout=x",
		"no slashes":              "postgres:gateway:s3cret@127.0.0.1/d1gateway",
	} {
		s, err := engine.Open(t.Context(), storeURL, quiet())
		if err == nil || s != nil {
			t.Fatalf("%s: opened %v", name, s)
		}
		if strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "--store") {
			t.Errorf("%s: %v", name, err)
		}
		file := filepath.Join(folder, "url")
		if err := os.WriteFile(file, []byte(storeURL), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := engine.OpenPostgresFile(t.Context(), file, quiet()); err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), file) {
			t.Errorf("%s, from a file: %v", name, err)
		}
	}
}

package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

func TestADatabaseOfANewerReleaseIsRefusedUnlessThatReleaseAllowsIt(t *testing.T) {
	databaseURL := server.Database(t)
	s := openAt(t, databaseURL)
	execute(t, s, "INSERT INTO schema_version (version_id, is_applied) VALUES (1000, true)")
	allowed, err := Open(t.Context(), Options{URL: databaseURL, Logger: quiet()})
	if err != nil {
		t.Fatalf("a newer schema that this release can live with: %v", err)
	}
	if allowed.ID() != s.ID() {
		t.Error("it is another store")
	}
	if err := allowed.Close(); err != nil {
		t.Error(err)
	}
	execute(t, s, "UPDATE store SET oldest_compatible = 1000")
	if refused, err := Open(t.Context(), Options{URL: databaseURL, Logger: quiet()}); !errors.Is(err, ErrNewerSchema) || refused != nil {
		t.Errorf("a newer schema that it cannot live with: %v", err)
	}
}

func TestTwoDatabasesAreTwoStores(t *testing.T) {
	if one, other := openForTest(t), openForTest(t); one.ID() == "" || one.ID() == other.ID() {
		t.Errorf("named %q and %q", one.ID(), other.ID())
	}
}

func TestWhatTheServersDefaultsSayDoesNotMatter(t *testing.T) {
	databaseURL := server.Database(t)
	admin := openAt(t, databaseURL)
	for setting, value := range map[string]string{"synchronous_commit": "off", "default_transaction_isolation": "serializable"} {
		execute(t, admin, "ALTER DATABASE "+databaseName(t, databaseURL)+" SET "+setting+" = '"+value+"'")
	}
	s := openAt(t, databaseURL)
	var commit, isolation, application string
	query := "SELECT current_setting('synchronous_commit'), current_setting('default_transaction_isolation'), current_setting('application_name')"
	if err := s.writers.QueryRow(t.Context(), query).Scan(&commit, &isolation, &application); err != nil {
		t.Fatal(err)
	}
	if commit != "on" || isolation != "read committed" || application != "d1gateway" {
		t.Errorf("%s, %s, %s", commit, isolation, application)
	}
	execute(t, admin, "ALTER DATABASE "+databaseName(t, databaseURL)+" SET synchronous_commit = 'remote_apply'")
	if err := openAt(t, databaseURL).writers.QueryRow(t.Context(), query).Scan(&commit, &isolation, &application); err != nil || commit != "remote_apply" {
		t.Errorf("a stricter setting of the operator's became %s, %v", commit, err)
	}
}

func TestFieldsThatPostgreSQLCannotHaveAreRefusedAndTheirNeighboursAreNot(t *testing.T) {
	s := openForTest(t)
	for _, text := range []string{"a\x00b", "a\xffb"} {
		n := storetest.LoadNotification(1)
		n.CorrelationID = text
		if _, err := s.Append(t.Context(), n); err == nil || errors.Is(err, store.ErrFull) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := s.Append(t.Context(), storetest.LoadNotification(1)); err != nil {
		t.Error(err)
	}
}

func TestOnlyAPostgresURLIsTaken(t *testing.T) {
	for _, text := range []string{"", "host=127.0.0.1 password=s3cret", "mysql://x:s3cret@127.0.0.1/d"} {
		if s, err := Open(context.Background(), Options{URL: text, Logger: quiet()}); err == nil || s != nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

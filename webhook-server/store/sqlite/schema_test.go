package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// A file of each earlier release opens, keeps what it holds and gets the present schema.
func TestAFileOfSchemaVersion1OpensAndGainsRevocations(t *testing.T) {
	path := newPath(t)
	dump, err := os.ReadFile("testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	execute(t, path, string(dump))
	for range 2 { // the second time there is nothing to migrate
		s := open(t, path)
		for id, want := range map[string]store.State{"msg_1": store.Delivered, "msg_2": store.Dead, "msg_3": store.Waiting} {
			if rec, err := s.Get(t.Context(), id); err != nil || rec.State != want {
				t.Errorf("%s is %q, %v; want %s", id, rec.State, err, want)
			}
		}
		if err := s.Revoke(t.Context(), revocationOf(1)); err != nil {
			t.Errorf("revoking: %v", err)
		}
		if !revokedJTIs(t, s)["1"] {
			t.Error("the revocation is not there")
		}
		claimed, err := s.Claim(t.Context(), "payments/acme/a", time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), 10, time.Minute)
		if err != nil || len(claimed) != 1 || claimed[0].ID != "msg_3" {
			t.Errorf("claimed %+v, %v; want what waited", claimed, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}

	fresh := newPath(t)
	if err := open(t, fresh).Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := schema(t, path), schema(t, fresh); !slices.Equal(got, want) {
		t.Errorf("the migrated file has the schema %q, a new one has %q", got, want)
	}
}

// schema answers the file's schema version and what it defines, in order of name.
func schema(t *testing.T, path string) (definitions []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(t.Context(), `SELECT 'version ' || user_version FROM pragma_user_version
		UNION ALL SELECT * FROM (SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name)`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var definition string
		if err := rows.Scan(&definition); err != nil {
			t.Fatal(err)
		}
		definitions = append(definitions, definition)
	}
	if err := errors.Join(rows.Err(), rows.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return definitions
}

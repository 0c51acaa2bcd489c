package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

// fileOf makes the file of an earlier release.
func fileOf(t *testing.T, version int) (path string) {
	t.Helper()
	dump, err := os.ReadFile(fmt.Sprintf("testdata/version%d.sql", version))
	if err != nil {
		t.Fatal(err)
	}
	path = newPath(t)
	execute(t, path, string(dump))
	return path
}

// A file of each earlier release opens, keeps what it holds and gets the present schema.
func TestAFileOfAnEarlierReleaseOpensAndKeepsWhatItHolds(t *testing.T) {
	for version, states := range map[int][]store.State{
		1: {store.Delivered, store.Dead, store.Waiting},
		2: {store.Delivered, store.Dead, store.Dead, store.Waiting, store.Waiting},
	} {
		t.Run(fmt.Sprintf("of schema version %d", version), func(t *testing.T) {
			path := fileOf(t, version)
			var id string
			for range 2 { // the second time there is nothing to migrate
				s := open(t, path)
				wantOldRecords(t, s, states)
				if err := s.Revoke(t.Context(), revocationOf(2)); err != nil {
					t.Errorf("revoking: %v", err)
				}
				if revoked := revokedJTIs(t, s); !revoked["2"] || revoked["1"] != (version == 2) {
					t.Errorf("revoked are %v", revoked)
				}
				if s.ID() == "" || id != "" && s.ID() != id {
					t.Errorf("the id is %q, and was %q", s.ID(), id)
				}
				id = s.ID()
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			wantPresentSchema(t, path)
		})
	}
}

// wantOldRecords wants msg_1 and so on in the states given: what they hold, and that those which wait are due, the others counted.
func wantOldRecords(t *testing.T, s *sqlite.Store, states []store.State) {
	t.Helper()
	waiting := 0
	for i, state := range states {
		rec, err := s.Get(t.Context(), fmt.Sprintf("msg_%d", i+1))
		if err != nil || rec.State != state || rec.Ordered || rec.Merge || !rec.ReplayedAt.IsZero() || rec.History != nil {
			t.Errorf("record %+v, %v; want %s and nothing that its release did not know", rec, err, state)
		}
		if state == store.Waiting {
			waiting++
		}
	}
	claimed, err := s.Claim(t.Context(), lane, later(7200), 10, time.Minute)
	if err != nil || len(claimed) != waiting {
		t.Errorf("claimed %+v, %v; want the %d that waited", claimed, err, waiting)
	}
	n, err := s.PruneBeyond(t.Context(), store.Delivered, 1, 10)
	if err != nil || n != 0 {
		t.Errorf("pruned %d, %v; want the one delivered to be left", n, err)
	}
}

func wantPresentSchema(t *testing.T, path string) {
	t.Helper()
	fresh := newPath(t)
	if err := open(t, fresh).Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := schema(t, path), schema(t, fresh); !slices.Equal(got, want) {
		t.Errorf("the migrated file has the schema\n%s\na new one has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// schema answers the file's schema version, the migrations that it has been through and what it defines, in order of name.
func schema(t *testing.T, path string) (definitions []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(t.Context(), `SELECT 'version ' || user_version FROM pragma_user_version
		UNION ALL SELECT * FROM (SELECT 'migration ' || version_id FROM goose_db_version ORDER BY id)
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

func TestAMigrationThatFailedIsMadeUpFor(t *testing.T) {
	path := fileOf(t, 2)
	execute(t, path, "CREATE TABLE pause (in_the_way)")
	if s, err := sqlite.Open(t.Context(), options(path)); err == nil {
		t.Fatal("it opened", s.Close())
	}
	execute(t, path, "DROP TABLE pause")
	wantOldRecords(t, open(t, path), []store.State{store.Delivered, store.Dead, store.Dead, store.Waiting, store.Waiting})
	wantPresentSchema(t, path)
}

// The runs of an earlier release do not say when their rows were received.
func TestTheRunsOfAnEarlierReleaseAreSearched(t *testing.T) {
	path := fileOf(t, 2)
	const last = 2*runs.Rows + 100
	execute(t, path, fmt.Sprintf(`WITH RECURSIVE series (n) AS (SELECT 6 UNION ALL SELECT n + 1 FROM series WHERE n < %d)
		INSERT INTO notification (seq, id, gateway_id, merchant_id, token_id, update_type, correlation_id, lane, received_at, next_attempt)
		SELECT n, 'msg_' || n, 'MGW_000001', '40010000001', 'tok_' || n, 'TOKEN_STATE_CHANGE', 'c-' || n, 'other', %d + n * 1000, 0 FROM series`,
		last, began().UnixMilli()))
	for number := range int64(2) {
		for f := range runs.Fields {
			slots := make([]runs.Slot, 0, runs.Rows)
			for seq := max(1, number*runs.Rows); seq < (number+1)*runs.Rows; seq++ {
				n := fmt.Sprint(seq)
				slots = append(slots, runs.SlotsOf(seq, store.Notification{ID: "msg_" + n, TokenID: "tok_" + n, CorrelationID: "c-" + n, MerchantID: "40010000001"})[f])
			}
			execute(t, path, fmt.Sprintf("INSERT INTO run VALUES (%d, '%s', x'%x')", number, f.Column(), runs.Pack(slots)))
		}
	}

	s := open(t, path)
	for _, seq := range []int{6, 4095, 4096, 8191, 8192, last} {
		for _, f := range []store.Filter{
			{TokenID: fmt.Sprint("tok_", seq)},
			{ReceivedFrom: later(seq), ReceivedUntil: later(seq + 1)},
			{Lane: "other", MerchantID: "40010000001", ReceivedFrom: later(seq), ReceivedUntil: later(seq + 1)},
		} {
			list, err := s.List(t.Context(), f)
			if err != nil || len(list) != 1 || list[0].ID != fmt.Sprint("msg_", seq) {
				t.Errorf("%+v: %d found, %v; want msg_%d", f, len(list), err, seq)
			}
		}
	}
	if n, err := s.Count(t.Context(), store.Filter{Lane: "other"}); err != nil || n != last-5 {
		t.Errorf("counted %d, %v", n, err)
	}
}

// Every release, the first ones included, looks at user_version alone to see that a newer one has written the file.
func TestTheSchemaVersionIsThatOfTheLastMigration(t *testing.T) {
	files, err := os.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	path := newPath(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	got := schema(t, path)
	if want := fmt.Sprintf("version %d", len(files)); got[0] != want {
		t.Errorf("a new file has %s, want %s", got[0], want)
	}
	if want := fmt.Sprintf("migration %d", len(files)); !slices.Contains(got, want) {
		t.Errorf("a new file has not been through %s", want)
	}
}

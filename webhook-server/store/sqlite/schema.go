package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations lead from an empty file to the present schema; PRAGMA user_version counts those that have run.
// They only ever grow at the end: a released one is never edited.
//
// A row of the notification table is appended with indexed = 0, and every secondary index covers only rows with indexed = 1. So an append
// touches no index; the writer indexes older rows in batches (see index.go), and a reader looks through the few newest itself.
//
// Ids, tokens and correlation ids come in no order. Their indexes are cut into runs of 4096 rows (seq / 4096), so that a batch changes the
// pages of one run, however large the table. A look-up asks each run in turn: 250 of them for a million rows, a few milliseconds.
//
// The probe table is empty but for the time of a probe, see check.go.
//
// Instants are Unix milliseconds, 0 for none. auto_vacuum stays off: the pages that Prune frees are used again by later appends, so the
// file keeps the size of its largest backlog, and pages need no pointer map, which would cost every write.
var migrations = []string{`
CREATE TABLE notification (
	seq            INTEGER PRIMARY KEY,
	id             TEXT    NOT NULL CHECK (id <> ''),
	gateway_id     TEXT    NOT NULL,
	merchant_id    TEXT    NOT NULL,
	token_id       TEXT    NOT NULL,
	update_type    TEXT    NOT NULL,
	correlation_id TEXT    NOT NULL,
	lane           TEXT    NOT NULL,
	received_at    INTEGER NOT NULL,
	next_attempt   INTEGER NOT NULL,
	state          TEXT    NOT NULL DEFAULT 'Waiting' CHECK (state IN ('Waiting', 'Delivered', 'Dead')),
	attempts       INTEGER NOT NULL DEFAULT 0,
	last_reason    TEXT    NOT NULL DEFAULT '',
	last_attempt   INTEGER NOT NULL DEFAULT 0,
	indexed        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX notification_by_id ON notification (seq / 4096, id) WHERE indexed = 1;
CREATE INDEX notification_by_token ON notification (seq / 4096, token_id) WHERE indexed = 1;
CREATE INDEX notification_by_correlation ON notification (seq / 4096, correlation_id) WHERE indexed = 1;
CREATE INDEX notification_by_merchant ON notification (merchant_id, gateway_id) WHERE indexed = 1;
CREATE INDEX notification_by_state ON notification (state, last_attempt) WHERE indexed = 1;
CREATE TABLE probe (filler BLOB NOT NULL) STRICT;
`}

// migrate brings the file to the present schema, one transaction for each step.
func migrate(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	if version > len(migrations) {
		return fmt.Errorf("%w: the file has schema version %d, this program knows up to %d; use a release that is at least as new as the one that wrote it",
			ErrNewerSchema, version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		if err := step(ctx, db, migrations[version], version+1); err != nil {
			return fmt.Errorf("migrating to schema version %d: %w", version+1, err)
		}
	}
	return nil
}

func step(ctx context.Context, db *sql.DB, statements string, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}

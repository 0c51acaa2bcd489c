package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations lead from an empty file to the present schema; PRAGMA user_version counts those that have run.
// They only ever grow at the end: a released one is never edited.
//
// An append changes the end of the table and the end of notification_waiting, nothing else. A row enters notification_final with its
// outcome. What else is searched for is in the run table: for 4096 rows of the notification table at a time (those with the same
// seq / 4096) and for each searched column, one blob of sorted slots, see run.go. A look-up asks each run in turn: 250 of them for a
// million rows, a few milliseconds. The newest rows, fewer than a run, it reads through.
//
// The probe table is empty but for the time of a probe, see check.go.
//
// The seq of a revocation is the cursor of those who follow them. AUTOINCREMENT never gives one twice, even when the newest row has
// been pruned: its successor would otherwise be passed over.
//
// Instants are Unix milliseconds, 0 for none. auto_vacuum stays off: the pages that Prune frees are used again by later appends, so the
// file keeps the size of its largest backlog, and pages need no pointer map, which would cost every write.
var migrations = []string{`
CREATE TABLE notification (
	seq            INTEGER PRIMARY KEY,
	id             TEXT    NOT NULL,
	gateway_id     TEXT    NOT NULL,
	merchant_id    TEXT    NOT NULL,
	token_id       TEXT    NOT NULL,
	update_type    TEXT    NOT NULL,
	correlation_id TEXT    NOT NULL,
	lane           TEXT    NOT NULL,
	received_at    INTEGER NOT NULL,
	next_attempt   INTEGER NOT NULL,
	state          TEXT    NOT NULL DEFAULT 'Waiting',
	attempts       INTEGER NOT NULL DEFAULT 0,
	last_reason    TEXT    NOT NULL DEFAULT '',
	last_attempt   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX notification_waiting ON notification (seq) WHERE state = 'Waiting';
CREATE INDEX notification_final ON notification (state, last_attempt) WHERE state <> 'Waiting';
CREATE TABLE run (
	number INTEGER NOT NULL,
	field  TEXT    NOT NULL,
	slots  BLOB    NOT NULL,
	PRIMARY KEY (number, field)
) STRICT;
CREATE TABLE probe (filler BLOB NOT NULL) STRICT;
`, `
CREATE TABLE revocation (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	gateway_id TEXT    NOT NULL,
	jti        TEXT    NOT NULL,
	expires_at INTEGER NOT NULL,
	UNIQUE (gateway_id, jti)
) STRICT;
CREATE INDEX revocation_expiry ON revocation (expires_at);
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

-- +goose Up

-- Instants are Unix milliseconds, 0 for none. auto_vacuum stays off: the pages that Prune frees are used again by later appends, so the
-- file keeps the size of its largest backlog, and pages need no pointer map, which would cost every write.

-- An append changes the end of the table and the end of notification_waiting, nothing else. A row enters notification_final with its
-- outcome.
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

-- What else is searched for is in the run table: for 4096 rows of the notification table at a time (those with the same seq / 4096) and
-- for each searched column, one blob of sorted slots, see the package runs. A look-up asks each run in turn: 250 of them for a million
-- rows, a few milliseconds. The newest rows, fewer than a run, it reads through.
CREATE TABLE run (
	number INTEGER NOT NULL,
	field  TEXT    NOT NULL,
	slots  BLOB    NOT NULL,
	PRIMARY KEY (number, field)
) STRICT;

-- Empty but for the time of a probe, see check.go.
CREATE TABLE probe (filler BLOB NOT NULL) STRICT;

PRAGMA user_version = 1;

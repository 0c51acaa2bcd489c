-- +goose Up

-- One row: id names this store, and its copies.
CREATE TABLE store (id TEXT NOT NULL) STRICT;
INSERT INTO store (id) SELECT lower(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 14, 3) || '-' ||
	substr('89ab', 1 + (random() & 3), 1) || substr(h, 18, 3) || '-' || substr(h, 21)) FROM (SELECT hex(randomblob(16)) AS h);

-- history is the newest attempts as the package history encodes them.
ALTER TABLE notification ADD COLUMN ordered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notification ADD COLUMN merge INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notification ADD COLUMN replayed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notification ADD COLUMN history BLOB NOT NULL DEFAULT x'';

-- When the rows of a run were received: the earliest and the latest of them, so that a search by time, and one that wants them in this
-- order, can pass over the other runs.
CREATE TABLE span (
	number         INTEGER PRIMARY KEY,
	received_first INTEGER NOT NULL,
	received_last  INTEGER NOT NULL
) STRICT;
INSERT INTO span SELECT number, min(received_at), max(received_at)
	FROM (SELECT DISTINCT number FROM run) CROSS JOIN notification WHERE seq BETWEEN number * 4096 AND number * 4096 + 4095 GROUP BY number;

CREATE TABLE pause (
	lane          TEXT    NOT NULL,
	whole_gateway INTEGER NOT NULL,
	since         INTEGER NOT NULL,
	until         INTEGER NOT NULL DEFAULT 0,
	asked_by      TEXT    NOT NULL,
	reason        TEXT    NOT NULL,
	PRIMARY KEY (lane, whole_gateway)
) STRICT;

PRAGMA user_version = 3;

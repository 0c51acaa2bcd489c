-- +goose Up

-- The seq of a revocation is the cursor of those who follow them. AUTOINCREMENT never gives one twice, even when the newest row has
-- been pruned: its successor would otherwise be passed over.
CREATE TABLE revocation (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	gateway_id TEXT    NOT NULL,
	jti        TEXT    NOT NULL,
	expires_at INTEGER NOT NULL,
	UNIQUE (gateway_id, jti)
) STRICT;
CREATE INDEX revocation_expiry ON revocation (expires_at);

PRAGMA user_version = 2;

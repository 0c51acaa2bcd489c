-- A store that the release with schema version 2 wrote: one notification delivered, two dead, one retried, one waiting; one revoked token. It never changes.
PRAGMA journal_mode = WAL;
BEGIN TRANSACTION;
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
INSERT INTO notification VALUES(1,'msg_1','MGW_000001','40010000001','tok_1','TOKEN_STATE_CHANGE','c-1','payments/acme/a',1795341600000,0,'Delivered',1,'',1795341601000);
INSERT INTO notification VALUES(2,'msg_2','MGW_000001','40010000001','tok_2','TOKEN_STATE_CHANGE','c-2','payments/acme/a',1795341600000,0,'Dead',1,'gone',1795341601000);
INSERT INTO notification VALUES(3,'msg_3','MGW_000001','40010000001','tok_3','TOKEN_STATE_CHANGE','c-3','payments/acme/a',1795341600000,0,'Dead',1,'expired',1795341601000);
INSERT INTO notification VALUES(4,'msg_4','MGW_000001','40010000001','tok_4','TOKEN_STATE_CHANGE','c-4','payments/acme/a',1795341600000,1795345200000,'Waiting',1,'timeout',1795341601000);
INSERT INTO notification VALUES(5,'msg_5','MGW_000001','40010000001','tok_5','TOKEN_STATE_CHANGE','c-5','payments/acme/a',1795341600000,1795341600000,'Waiting',0,'',0);
CREATE TABLE run (
	number INTEGER NOT NULL,
	field  TEXT    NOT NULL,
	slots  BLOB    NOT NULL,
	PRIMARY KEY (number, field)
) STRICT;
CREATE TABLE probe (filler BLOB NOT NULL) STRICT;
CREATE TABLE revocation (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	gateway_id TEXT    NOT NULL,
	jti        TEXT    NOT NULL,
	expires_at INTEGER NOT NULL,
	UNIQUE (gateway_id, jti)
) STRICT;
INSERT INTO revocation VALUES(1,'MGW_000001','1',1795341600000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('revocation',1);
CREATE INDEX notification_waiting ON notification (seq) WHERE state = 'Waiting';
CREATE INDEX notification_final ON notification (state, last_attempt) WHERE state <> 'Waiting';
CREATE INDEX revocation_expiry ON revocation (expires_at);
COMMIT;
PRAGMA user_version = 2;

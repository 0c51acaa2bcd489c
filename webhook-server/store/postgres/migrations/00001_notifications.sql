-- +goose Up

-- One row. id names this store; health checks write checked_at; oldest_compatible is the lowest schema version that a program must know to work with it: a migration that an
-- older program could not live with raises it.
CREATE TABLE store (
	single            boolean PRIMARY KEY DEFAULT true CHECK (single),
	id                uuid    NOT NULL DEFAULT gen_random_uuid(),
	oldest_compatible integer NOT NULL DEFAULT 1,
	checked_at        timestamptz NOT NULL DEFAULT now()
);
INSERT INTO store DEFAULT VALUES;

-- Empty but for the time of a health check that asks for room.
CREATE TABLE probe (filler text NOT NULL);

-- The names of lanes, so that rows and indexes hold eight bytes for each: id is the beginning of the name's SHA-256, as a big-endian number. Rows are never removed.
CREATE TABLE lane (
	id   bigint PRIMARY KEY,
	name text   NOT NULL
);

-- Instants are Unix milliseconds, 0 for none. state: 0 Waiting, 1 Delivered, 2 Dead.
-- seq is number * 4096 + place of a run (below). accepted_at, then seq, orders the notifications of a merchant's token.
-- While a claim holds, lease is not 0, next_attempt is when the lease ends, and was_due what it was before: a claim that nobody ends is due again by itself.
-- An Ordered row that was found behind another one of its lane, merchant and token is parked, so that claims do not meet it again. Whoever gives a row of that lane, merchant and
-- token a final state takes the first parked one out, in the same transaction. There is always one that waits, not parked, before a parked one.
CREATE TABLE notification (
	seq            bigint   PRIMARY KEY,
	received_at    bigint   NOT NULL,
	next_attempt   bigint   NOT NULL,
	was_due        bigint   NOT NULL DEFAULT 0,
	accepted_at    timestamptz NOT NULL DEFAULT now(),
	lease          bigint   NOT NULL DEFAULT 0,
	last_attempt   bigint   NOT NULL DEFAULT 0,
	replayed_at    bigint   NOT NULL DEFAULT 0,
	lane           bigint   NOT NULL,
	attempts       integer  NOT NULL DEFAULT 0,
	state          smallint NOT NULL DEFAULT 0,
	ordered        boolean  NOT NULL DEFAULT false,
	merge          boolean  NOT NULL DEFAULT false,
	parked         boolean  NOT NULL DEFAULT false,
	id             text     NOT NULL,
	gateway_id     text     NOT NULL,
	merchant_id    text     NOT NULL,
	token_id       text     NOT NULL,
	update_type    text     NOT NULL,
	correlation_id text     NOT NULL,
	last_reason    text     NOT NULL DEFAULT '',
	history        bytea    NOT NULL DEFAULT ''
);
-- Each notification leaves at least two dead rows, and dead entries at the head of notification_waiting, which claims read. So vacuum comes after 1 % of the rows
-- instead of 20 %, and what is inserted counts too: it is what lets counts and PruneBeyond read an index without the table.
ALTER TABLE notification SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
	autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_insert_threshold = 50000, autovacuum_analyze_scale_factor = 0.02);
-- No condition implies another: so each statement says by which of them it goes, and the planner has no choice that could be wrong when its statistics are old.
CREATE INDEX notification_waiting ON notification (lane, parked, next_attempt, seq) WHERE state = 0;
CREATE INDEX notification_final ON notification (state, last_attempt, seq) WHERE state <> 0;
CREATE INDEX notification_dead ON notification (lane) WHERE state + 0 = 2;
CREATE INDEX notification_keyed ON notification (lane, merchant_id, token_id, accepted_at, seq) WHERE state < 1 AND (ordered OR merge);

-- What is searched for (id, token, correlation id, merchant) is indexed by runs of 4096 rows, as in the embedded store: a run belongs to one committer of one
-- replica, which numbers its rows itself, so that nobody waits for a sequence. An open run is read row by row; when it is full, or its replica has gone, it
-- is closed: one blob of sorted slots for each field, in place of its row in open_run. Whoever inserts into a run holds a key share lock on its row in open_run,
-- so that nothing is added to a run that is closed.
CREATE SEQUENCE run_number;
CREATE TABLE open_run (
	number     bigint PRIMARY KEY,
	owner      bigint NOT NULL DEFAULT 0,
	renewed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE run (
	number         bigint PRIMARY KEY,
	received_from  bigint NOT NULL,
	received_until bigint NOT NULL,
	by_id          bytea  NOT NULL,
	by_token       bytea  NOT NULL,
	by_correlation bytea  NOT NULL,
	by_merchant    bytea  NOT NULL
);
-- Hashes do not compress, so PostgreSQL need not try, and it then reads a piece of a blob without the rest. Searches read the bounds of all runs, and blobs of one field.
ALTER TABLE run ALTER by_id SET STORAGE EXTERNAL, ALTER by_token SET STORAGE EXTERNAL, ALTER by_correlation SET STORAGE EXTERNAL, ALTER by_merchant SET STORAGE EXTERNAL;

-- seq is the cursor of those who follow. Whoever inserts holds a lock, so that rows become visible in the order of their numbers.
CREATE TABLE revocation (
	seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	gateway_id text   NOT NULL,
	jti        text   NOT NULL,
	expires_at bigint NOT NULL,
	UNIQUE (gateway_id, jti)
);
CREATE INDEX revocation_expiry ON revocation (expires_at);

CREATE TABLE pause (
	lane          text    NOT NULL,
	whole_gateway boolean NOT NULL,
	since         bigint  NOT NULL,
	until         bigint  NOT NULL DEFAULT 0,
	asked_by      text    NOT NULL DEFAULT '',
	reason        text    NOT NULL DEFAULT '',
	PRIMARY KEY (lane, whole_gateway)
);

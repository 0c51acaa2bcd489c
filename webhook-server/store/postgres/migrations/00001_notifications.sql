-- +goose Up

-- One row. id names this store; oldest_compatible is the lowest schema version that a program must know to work with it: a migration that an
-- older program could not live with raises it.
CREATE TABLE store (
	only              boolean PRIMARY KEY DEFAULT true CHECK (only),
	id                uuid    NOT NULL DEFAULT gen_random_uuid(),
	oldest_compatible integer NOT NULL DEFAULT 1
);
INSERT INTO store DEFAULT VALUES;

-- The names of lanes, so that rows and indexes hold four bytes for each. Rows are never removed.
CREATE TABLE lane (
	id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text    NOT NULL UNIQUE
);

-- Instants are Unix milliseconds, 0 for none. state: 0 Waiting, 1 Delivered, 2 Dead.
-- seq is number * 4096 + place of a run (below). accepted_at orders the notifications of a token.
-- While a claim holds, lease is not 0 and next_attempt is when the lease ends: a claim that nobody ends is due again by itself.
-- An Ordered row that was found behind another one of its token is parked: next_attempt is 9223372036854775807.
CREATE TABLE notification (
	seq            bigint   PRIMARY KEY,
	received_at    bigint   NOT NULL,
	next_attempt   bigint   NOT NULL,
	accepted_at    timestamptz NOT NULL DEFAULT now(),
	lease          bigint   NOT NULL DEFAULT 0,
	last_attempt   bigint   NOT NULL DEFAULT 0,
	replayed_at    bigint   NOT NULL DEFAULT 0,
	lane           integer  NOT NULL,
	attempts       integer  NOT NULL DEFAULT 0,
	state          smallint NOT NULL DEFAULT 0,
	ordered        boolean  NOT NULL DEFAULT false,
	merge          boolean  NOT NULL DEFAULT false,
	id             text     NOT NULL,
	gateway_id     text     NOT NULL,
	merchant_id    text     NOT NULL,
	token_id       text     NOT NULL,
	update_type    text     NOT NULL,
	correlation_id text     NOT NULL,
	last_reason    text     NOT NULL DEFAULT '',
	history        bytea    NOT NULL DEFAULT ''
);
CREATE INDEX notification_waiting ON notification (lane, next_attempt, seq) WHERE state = 0;
CREATE INDEX notification_final ON notification (state, last_attempt) WHERE state <> 0;
CREATE INDEX notification_keyed ON notification (lane, token_id) WHERE state = 0 AND (ordered OR merge);

-- What is searched for (id, token, correlation id, merchant) is indexed by runs of 4096 rows, as in the embedded store: a run belongs to one committer of one
-- replica, which numbers its rows itself, so that nobody waits for a sequence. An open run is read row by row; when it is full, or its replica has gone, it
-- is closed: one blob of sorted slots for each field, in place of its row in open_run.
CREATE SEQUENCE run_number;
CREATE TABLE open_run (
	number     bigint PRIMARY KEY,
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
CREATE INDEX run_received ON run (received_until);

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

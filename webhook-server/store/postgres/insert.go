package postgres

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// columnNames are those that an insert gives, but for next_attempt, which is received_at.
const columnNames = "received_at, lane, id, gateway_id, merchant_id, token_id, update_type, correlation_id"

// insertText inserts a group into the run $1 of the owner $2, its rows numbered from $3 to $4. The lock on the run's row keeps others from closing it meanwhile; when they have closed it,
// nothing is inserted. Arrays that are unfolded side by side in the select list cost the server half of what they do as a table of unnest's.
const insertText = `WITH mine AS MATERIALIZED (SELECT FROM open_run WHERE number = $1 AND owner = $2 FOR KEY SHARE)
INSERT INTO notification (seq, next_attempt, ` + columnNames + `)
SELECT seq, received_at, ` + columnNames + ` FROM (
	SELECT generate_series($3::bigint, $4::bigint) seq, unnest($5::bigint[]) received_at, unnest($6::bigint[]) lane, unnest($7::text[]) id, unnest($8::text[]) gateway_id,
		unnest($9::text[]) merchant_id, unnest($10::text[]) token_id, unnest($11::text[]) update_type, unnest($12::text[]) correlation_id FROM mine
) given`

// insertKeyedText is for a group that has Ordered ones or such with Merge.
const insertKeyedText = `WITH mine AS MATERIALIZED (SELECT FROM open_run WHERE number = $1 AND owner = $2 FOR KEY SHARE)
INSERT INTO notification (seq, next_attempt, ` + columnNames + `, ordered, merge)
SELECT seq, received_at, ` + columnNames + `, ordered, merge FROM (
	SELECT generate_series($3::bigint, $4::bigint) seq, unnest($5::bigint[]) received_at, unnest($6::bigint[]) lane, unnest($7::text[]) id, unnest($8::text[]) gateway_id,
		unnest($9::text[]) merchant_id, unnest($10::text[]) token_id, unnest($11::text[]) update_type, unnest($12::text[]) correlation_id,
		unnest($13::boolean[]) ordered, unnest($14::boolean[]) merge FROM mine
) given`

// insert commits some with one statement: one round trip.
func (s *Store) insert(ctx context.Context, r *openRun, c *columns, some []*request[*appending]) (inserted bool, err error) {
	c.reset()
	for _, a := range some {
		c.add(a.work)
	}
	err = s.writers.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if err := s.lanes.enterLanesOf(ctx, conn.Conn(), some); err != nil {
			return err
		}
		inserted, err = c.insert(ctx, conn.Conn(), r)
		return err
	})
	return inserted, err
}

// columns are the rows of a group, column by column.
type columns struct {
	rows                                                        []*appending
	keyed                                                       bool
	number, owner, first, last                                  [8]byte
	received, lanes, ordered, merge                             array
	ids, gateways, merchants, tokens, updateTypes, correlations array
	values                                                      [][]byte
}

// reset keeps the room for the next group.
func (c *columns) reset() {
	c.rows, c.keyed = c.rows[:0], false
	c.received.reset(pgtype.Int8OID)
	c.lanes.reset(pgtype.Int8OID)
	c.ordered.reset(pgtype.BoolOID)
	c.merge.reset(pgtype.BoolOID)
	for _, texts := range []*array{&c.ids, &c.gateways, &c.merchants, &c.tokens, &c.updateTypes, &c.correlations} {
		texts.reset(pgtype.TextOID)
	}
}

func (c *columns) add(a *appending) {
	c.rows = append(c.rows, a)
	c.keyed = c.keyed || a.Ordered || a.Merge
	c.received.addInt8(millis(a.ReceivedAt))
	c.lanes.addInt8(a.lane)
	c.ordered.addBool(a.Ordered)
	c.merge.addBool(a.Merge)
	c.ids.addText(a.ID)
	c.gateways.addText(a.GatewayID)
	c.merchants.addText(a.MerchantID)
	c.tokens.addText(a.TokenID)
	c.updateTypes.addText(a.UpdateType)
	c.correlations.addText(a.CorrelationID)
}

// insert reports false when the run has been closed. The arguments are written in the protocol's own form: this is the hottest path of the package.
func (c *columns) insert(ctx context.Context, conn *pgx.Conn, r *openRun) (bool, error) {
	first := r.take(c.rows)
	binary.BigEndian.PutUint64(c.number[:], uint64(r.number))                 // #nosec G115 -- the same bits
	binary.BigEndian.PutUint64(c.owner[:], uint64(r.owner))                   // #nosec G115 -- the same bits
	binary.BigEndian.PutUint64(c.first[:], uint64(first))                     // #nosec G115 -- the same bits
	binary.BigEndian.PutUint64(c.last[:], uint64(first+int64(len(c.rows))-1)) // #nosec G115 -- the same bits
	c.values = append(c.values[:0], c.number[:], c.owner[:], c.first[:], c.last[:], c.received.bytes, c.lanes.bytes, c.ids.bytes, c.gateways.bytes, c.merchants.bytes,
		c.tokens.bytes, c.updateTypes.bytes, c.correlations.bytes)
	name, text := "insert", insertText
	if c.keyed {
		name, text = "insert_keyed", insertKeyedText
		c.values = append(c.values, c.ordered.bytes, c.merge.bytes)
	}
	if _, err := conn.Prepare(ctx, name, text); err != nil { // does nothing when it has been prepared on the connection
		return false, fmt.Errorf("inserting: %w", err)
	}
	done, err := conn.PgConn().ExecPrepared(ctx, name, c.values, binaryFormat, nil).Close()
	if err != nil {
		return false, fmt.Errorf("inserting: %w", err)
	}
	return done.RowsAffected() == int64(len(c.rows)), nil
}

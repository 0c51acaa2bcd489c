package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// mergeText finds what the rows may be merged into, and locks it: a claim passes over it until the commit, and so sends after it. Whatever somebody else has locked is passed over.
const mergeText = `SELECT given.place, earlier.id
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS given (lane, merchant_id, token_id, update_type, place)
CROSS JOIN LATERAL (
	SELECT e.id FROM notification e
	WHERE e.lane = given.lane AND e.merchant_id = given.merchant_id AND e.token_id = given.token_id AND e.update_type = given.update_type AND e.merge AND e.state < 1 AND e.lease = 0 AND e.attempts = 0
	ORDER BY e.accepted_at, e.seq LIMIT 1 FOR SHARE SKIP LOCKED
) earlier`

// mergeKey is what two notifications must have in common.
type mergeKey struct {
	lane                        int64
	merchant, token, updateType string
}

func keyOf(a *appending) mergeKey { return mergeKey{a.lane, a.MerchantID, a.TokenID, a.UpdateType} }

// mergeOrInsert inserts those that there is nothing to merge into, neither in the database nor before them in the group.
func (s *Store) mergeOrInsert(ctx context.Context, r *openRun, c *columns, some []*request[*appending]) (inserted bool, err error) {
	err = s.writers.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if err := s.lanes.enterLanesOf(ctx, conn.Conn(), some); err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			into, err := findEarlier(ctx, tx, some)
			if err != nil {
				return fmt.Errorf("merging: %w", err)
			}
			if c.addUnmerged(some, into); len(c.rows) == 0 {
				inserted = true
				return nil
			}
			inserted, err = c.insert(ctx, tx.Conn(), r)
			return err
		})
	})
	return inserted, err
}

// addUnmerged takes those that there is nothing to merge into, and gives each its answer: anew, since the group may have been tried before, in a run that was closed.
func (c *columns) addUnmerged(some []*request[*appending], into map[mergeKey]string) {
	c.reset()
	for _, a := range some {
		key := keyOf(a.work)
		if earlier, found := into[key]; found {
			a.work.answer = earlier
			continue
		}
		into[key], a.work.answer = a.work.ID, a.work.ID
		c.add(a.work)
	}
}

// findEarlier answers the ids of what is in the database.
func findEarlier(ctx context.Context, tx pgx.Tx, some []*request[*appending]) (map[mergeKey]string, error) {
	lanes, merchants := make([]int64, len(some)), make([]string, len(some))
	tokens, updateTypes := make([]string, len(some)), make([]string, len(some))
	for i, a := range some {
		lanes[i], merchants[i], tokens[i], updateTypes[i] = a.work.lane, a.work.MerchantID, a.work.TokenID, a.work.UpdateType
	}
	rows, err := tx.Query(ctx, mergeText, lanes, merchants, tokens, updateTypes)
	if err != nil {
		return nil, err
	}
	into := map[mergeKey]string{}
	var place int
	var id string
	_, err = pgx.ForEachRow(rows, []any{&place, &id}, func() error {
		into[keyOf(some[place-1].work)] = id
		return nil
	})
	return into, err
}

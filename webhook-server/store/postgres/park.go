package postgres

import (
	"context"
	"fmt"
)

// parkText parks those of the due rows that are held up (dueRows: $3 of the lane $1, due at $2).
//
// A row is only parked behind one that waits and is not parked, and that this transaction has locked: until it commits, nobody can give that one a final state, and
// whoever does so afterwards sees what was parked (unparkText is a statement of its own, with a newer snapshot). What cannot be locked is passed over: then the row stays due and the next
// claim meets it again. The one that is chosen is the first that can be locked, so it is never parked by this very statement.
const parkText = `WITH due AS MATERIALIZED (` + dueRows + `),
held AS MATERIALIZED (
	SELECT n.seq, n.merchant_id, n.token_id, n.accepted_at FROM due r JOIN notification n ON n.seq = ANY(ARRAY[r.seq])
	WHERE ` + heldUp + ` AND ` + stillDue + ` FOR UPDATE OF n SKIP LOCKED
), behind AS MATERIALIZED (
	SELECT held.seq FROM held CROSS JOIN LATERAL (
		SELECT FROM notification e
		WHERE e.lane = $1 AND e.merchant_id = held.merchant_id AND e.token_id = held.token_id AND e.state < 1 AND e.ordered AND NOT e.parked AND (e.accepted_at, e.seq) < (held.accepted_at, held.seq)
		ORDER BY e.accepted_at, e.seq LIMIT 1 FOR SHARE SKIP LOCKED
	) head
)
UPDATE notification n SET parked = true, lease = 0, next_attempt = CASE WHEN lease = 0 THEN next_attempt ELSE was_due END FROM behind WHERE n.seq = ANY(ARRAY[behind.seq])`

// parkStep is how many of the due rows one call looks at.
const parkStep = 500

// park answers how many it has parked.
func (s *Store) park(ctx context.Context, lane, now int64) (int64, error) {
	done, err := s.claims.Exec(ctx, parkText, lane, now, parkStep)
	if err != nil {
		return 0, fmt.Errorf("parking: %w", err)
	}
	return done.RowsAffected(), nil
}

// unparkText takes out the first parked row of each lane, merchant and token given, also when it is not the next to be handed out: of two rows that are finished at once neither sees the other's end,
// and the one that is taken out too early is parked again by the next claim. The locks are taken in one order, so that two such statements do not wait for each other.
const unparkText = `WITH next AS MATERIALIZED (
	SELECT n.seq FROM notification n
	WHERE n.parked AND n.seq = ANY(ARRAY(
		SELECT (SELECT e.seq FROM notification e
			WHERE e.lane = given.lane AND e.merchant_id = given.merchant_id AND e.token_id = given.token_id AND e.state < 1 AND e.ordered AND e.parked
			ORDER BY e.accepted_at, e.seq LIMIT 1)
		FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (lane, merchant_id, token_id)))
	ORDER BY n.seq FOR UPDATE
)
UPDATE notification n SET parked = false FROM next WHERE n.seq = ANY(ARRAY[next.seq])`

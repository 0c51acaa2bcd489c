package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Each of the partial indexes has a condition that does not imply another's (state = 0, state < 1, state <> 0), and each statement names that of the index by which its rows are to be found. The planner
// itself chooses badly when its statistics are old: what waits is sometimes nothing and soon after everything. For the same reason rows are joined by = ANY(ARRAY[seq]) in place of = seq: that can
// only be looked up in the primary key, row by row.

// heldUp says of an Ordered row r that one of its lane, merchant and token waits that was accepted before it. Nothing is looked up for other rows.
// The OFFSET makes it a look-up for each row, whatever the planner thinks of reading all at once.
const heldUp = `(r.ordered AND EXISTS (SELECT FROM notification e
	WHERE e.lane = r.lane AND e.merchant_id = r.merchant_id AND e.token_id = r.token_id AND e.state < 1 AND e.ordered AND (e.accepted_at, e.seq) < (r.accepted_at, r.seq) OFFSET 0))`

// claimColumns are what a claim reads of a row. When it was due is what it was before a claim that nobody has ended.
const claimColumns = `seq, CASE WHEN lease = 0 THEN next_attempt ELSE was_due END AS was_due, lane, ordered, merge, id, gateway_id, merchant_id, token_id, update_type, correlation_id,
	received_at, replayed_at, last_attempt, last_reason, attempts, history`

// dueRows are the $3 of the lane $1 that have been due for longest at $2.
const dueRows = `SELECT ` + claimColumns + `, accepted_at, lease AS former FROM notification
	WHERE lane = $1 AND NOT parked AND next_attempt <= $2 AND state = 0
	ORDER BY next_attempt, seq LIMIT $3`

// stillDue says of a row n that was found in dueRows that it has not been claimed, parked or recorded meanwhile. It is looked at again once the row is locked. The sum keeps the planner from
// looking for it among all that wait.
const stillDue = `n.lane = $1 AND NOT n.parked AND n.next_attempt <= $2 AND n.state + 0 = 0`

// leaseText leases the rows c until $4 under the number $5 and those after it, and answers them. It also answers, with no lease, the rows that were found to be held up.
const leaseText = `leased AS (
	UPDATE notification n SET lease = $5::bigint + c.number, next_attempt = $4, was_due = c.was_due FROM c WHERE n.seq = ANY(ARRAY[c.seq]) RETURNING c.*, n.lease
)
SELECT * FROM leased UNION ALL SELECT candidate.*, 0 FROM candidate WHERE held`

// claimText leases due rows. Rows that somebody else has locked are passed over: he claims or changes them.
const claimText = `WITH due AS MATERIALIZED (` + dueRows + ` FOR UPDATE SKIP LOCKED),
candidate AS MATERIALIZED (
	SELECT r.*, ` + heldUp + ` AS held, row_number() OVER () AS number FROM due r
), c AS (
	SELECT * FROM candidate WHERE NOT held
), ` + leaseText

// probeText leases one of the due rows, and locks no other.
const probeText = `WITH due AS MATERIALIZED (` + dueRows + `),
candidate AS MATERIALIZED (
	SELECT r.*, ` + heldUp + ` AS held, 0 AS number FROM due r
), c AS MATERIALIZED (
	SELECT first.* FROM (SELECT * FROM candidate WHERE NOT held ORDER BY received_at, attempts DESC, seq) first JOIN notification n ON n.seq = ANY(ARRAY[first.seq])
	WHERE n.lease = first.former AND n.attempts = first.attempts AND ` + stillDue + ` LIMIT 1 FOR UPDATE OF n SKIP LOCKED
), ` + leaseText

// Claim implements store.Outbox.
func (s *Store) Claim(ctx context.Context, lane string, now time.Time, limit int, lease time.Duration) ([]store.Delivery, error) {
	claims, err := s.claimWith(ctx, claimText, lane, now, min(limit, mostClaims), lease)
	if err != nil {
		return nil, fmt.Errorf("claiming: %w", asStoreError(err))
	}
	deliveries := make([]store.Delivery, len(claims))
	for i, c := range claims {
		deliveries[i] = c.Delivery
	}
	return deliveries, nil
}

// ClaimProbe implements store.Outbox.
func (s *Store) ClaimProbe(ctx context.Context, lane string, now time.Time, lease time.Duration) (*store.Delivery, error) {
	claims, err := s.claimWith(ctx, probeText, lane, now, 1, lease)
	if err != nil {
		return nil, fmt.Errorf("claiming a probe: %w", asStoreError(err))
	}
	if len(claims) == 0 {
		return nil, nil
	}
	return &claims[0].Delivery, nil
}

// claimRounds bounds how often a call looks further when all that it found is held up. Each round parks what it found.
const claimRounds = 20

// claimWith claims up to limit with one of the statements. What the call has begun it finishes when ctx ends: else rows would be leased to nobody.
func (s *Store) claimWith(ctx context.Context, text, lane string, now time.Time, limit int, lease time.Duration) ([]*claim, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.leases.name(now)
	if limit <= 0 {
		return nil, nil
	}
	id := laneID(lane)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.bounds.answer)
	defer cancel()
	s.releaseLost(ctx, now)
	var all []*claim
	for range claimRounds {
		choice := limit - len(all)
		if text == probeText {
			choice = store.ProbeChoice
		}
		claims, held, err := s.claimOnce(ctx, text, id, now.UnixMilli(), choice, now.Add(lease).UnixMilli())
		if err != nil && len(all) > 0 {
			break // as below
		}
		if err != nil {
			return nil, err
		}
		for _, c := range claims {
			c.Lane = lane
		}
		s.leases.add(claims)
		all = append(all, claims...)
		if !held {
			break
		}
		parked, err := s.park(ctx, id, now.UnixMilli())
		if err != nil || parked == 0 || len(all) >= limit {
			break // an error is no reason to withhold what has been claimed: the next claim tries again
		}
	}
	slices.SortFunc(all, func(a, b *claim) int { return cmp.Or(cmp.Compare(a.wasDue, b.wasDue), cmp.Compare(a.seq, b.seq)) })
	return all, nil
}

// claimOnce answers what it has claimed, and whether it met rows that are held up. What it may have claimed when there is no answer it remembers as lost.
func (s *Store) claimOnce(ctx context.Context, text string, lane, now int64, limit int, until int64) (claims []*claim, held bool, err error) {
	first := newNumbers()
	defer func() {
		if err != nil && maybeCommitted(err) {
			s.lost.add(lostClaim{lane: lane, until: until, first: first})
		}
	}()
	rows, err := s.claims.Query(ctx, text, lane, now, limit, until, first)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		c := &claim{until: until}
		var received, replayed, last int64
		if err := rows.Scan(&c.seq, &c.wasDue, &c.lane, &c.Ordered, &c.Merge, &c.ID, &c.GatewayID, &c.MerchantID, &c.TokenID, &c.UpdateType, &c.CorrelationID,
			&received, &replayed, &last, &c.LastReason, &c.Attempts, &c.history, nil, nil, nil, nil, &c.Lease); err != nil {
			return nil, false, err
		}
		if c.Lease == 0 {
			held = true
			continue
		}
		c.ReceivedAt, c.LastAttempt = instant(received), instant(last)
		c.Since = c.ReceivedAt
		if replayed != 0 {
			c.Since = instant(replayed)
		}
		claims = append(claims, c)
	}
	return claims, held, rows.Err()
}

const releaseText = "UPDATE notification SET lease = 0, next_attempt = was_due WHERE seq = $1 AND lease = $2"

// Release implements store.Outbox.
func (s *Store) Release(ctx context.Context, id string, lease int64) error {
	if err := s.release(ctx, id, lease); err != nil {
		return fmt.Errorf("releasing: %w", asStoreError(err))
	}
	return nil
}

func (s *Store) release(ctx context.Context, id string, lease int64) error {
	c, err := s.leases.begin(id, lease, time.Time{})
	if err != nil {
		return s.lostOrClosed(err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.bounds.answer)
	defer cancel()
	done, err := s.claims.Exec(ctx, releaseText, c.seq, c.Lease)
	if err != nil {
		s.leases.cancel(c)
		return err
	}
	s.leases.forget(c)
	if done.RowsAffected() == 0 {
		return store.ErrLeaseLost
	}
	return nil
}

// lostOrClosed answers err, or store.ErrClosed when the store is.
func (s *Store) lostOrClosed(err error) error {
	select {
	case <-s.closing:
		return store.ErrClosed
	default:
		return err
	}
}

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/history"
)

// outcome is what becomes of a claimed row.
type outcome struct {
	claim             *claim
	state             int16
	next, lastAttempt int64
	attempts          int
	reason            string
	history           []byte
}

// Record implements store.Outbox. Only the store that has claimed a notification knows its lease.
func (s *Store) Record(ctx context.Context, o store.Outcome) error {
	if err := checkOutcome(o); err != nil {
		return fmt.Errorf("recording an outcome: %w", err)
	}
	if err := s.record(ctx, o); err != nil {
		return fmt.Errorf("recording an outcome: %w", asStoreError(err))
	}
	return nil
}

func (s *Store) record(ctx context.Context, o store.Outcome) error {
	c, err := s.leases.begin(o.ID, o.Lease, o.At)
	if err != nil {
		return s.lostOrClosed(err)
	}
	err = s.records.do(ctx, outcomeOf(c, o))
	if err == nil || errors.Is(err, store.ErrLeaseLost) {
		s.leases.forget(c)
	} else {
		s.leases.cancel(c)
	}
	return err
}

// checkOutcome refuses what would leave a notification in no state at all, or due for ever.
func checkOutcome(o store.Outcome) error {
	if !storable(o.Reason) {
		return errors.New("the reason is not UTF-8 or has a zero byte")
	}
	switch o.State {
	case store.Delivered, store.Dead:
		if o.NextAttempt.IsZero() {
			return nil
		}
		return fmt.Errorf("%s has a next attempt", o.State)
	case store.Waiting:
		if !o.NextAttempt.IsZero() {
			return nil
		}
		return fmt.Errorf("%s needs a next attempt", o.State)
	}
	return fmt.Errorf("unknown state %q", o.State)
}

// outcomeOf computes the row's new values from those it was claimed with.
func outcomeOf(c *claim, o store.Outcome) *outcome {
	n := &outcome{
		claim: c, state: columnOf(o.State), next: millis(o.NextAttempt), lastAttempt: millis(c.LastAttempt), attempts: c.Attempts, reason: o.Reason, history: c.history,
	}
	if !o.Uncounted || o.State != store.Waiting {
		n.attempts++
		n.lastAttempt = millis(o.At)
		n.history = history.Append(append([]byte(nil), c.history...), store.Attempt{EndedAt: o.At, Took: o.Took, Reason: o.Reason, Status: o.Status})
	}
	return n
}

// columnOf is how the database names a state.
func columnOf(state store.State) int16 {
	switch state {
	case store.Delivered:
		return 1
	case store.Dead:
		return 2
	default:
		return 0
	}
}

// recordText ends claims. A row whose lease is another by now, or 0 because its claim has ended, is not in the answer. Nothing is said of its state: the planner could then look for it among
// all that wait, which it takes for few when its statistics are of a time when nothing waited.
const recordText = `UPDATE notification n
SET lease = 0, state = o.state, next_attempt = o.next_attempt, last_attempt = o.last_attempt, attempts = o.attempts, last_reason = o.reason, history = o.history
FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::integer[], $7::text[], $8::bytea[])
	AS o (seq, lease, state, next_attempt, last_attempt, attempts, reason, history)
WHERE n.seq = ANY(ARRAY[o.seq]) AND n.lease = o.lease
RETURNING n.seq`

// startRecorders begins to commit outcomes.
func (s *Store) startRecorders() {
	s.records.serve(s.commitOutcomes, func() {})
}

// commitOutcomes commits a group and answers the callers. Nobody else waits for these rows, but those that are taken out of the park may be wanted by two at once, in rare
// cases with a deadlock, which the server ends by refusing one: he tries again.
func (s *Store) commitOutcomes(group []*request[*outcome]) {
	if len(group) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.bounds.answer)
	defer cancel()
	started := s.now()
	recorded, err := s.recordGroup(ctx, group)
	for retry := 0; retry < 3 && sqlState(err) == deadlockDetected; retry++ {
		recorded, err = s.recordGroup(ctx, group)
	}
	s.report(store.Commit{Records: len(group), Duration: s.now().Sub(started), Err: err})
	for _, r := range group {
		if err == nil && !recorded[r.work.claim.seq] {
			r.result <- store.ErrLeaseLost
			continue
		}
		r.result <- err
	}
}

const deadlockDetected = "40P01"

// recordGroup is one transaction and one round trip. It answers the rows whose lease held.
func (s *Store) recordGroup(ctx context.Context, group []*request[*outcome]) (map[int64]bool, error) {
	var batch pgx.Batch
	var c outcomeColumns
	for _, r := range group {
		c.add(r.work)
	}
	recorded := make(map[int64]bool, len(group))
	batch.Queue(recordText, c.seqs, c.leases, c.states, c.nexts, c.lasts, c.attempts, c.reasons, c.histories).Query(func(rows pgx.Rows) error {
		var seq int64
		_, err := pgx.ForEachRow(rows, []any{&seq}, func() error {
			recorded[seq] = true
			return nil
		})
		return err
	})
	if len(c.doneLanes) > 0 {
		batch.Queue(unparkText, c.doneLanes, c.doneMerchants, c.doneTokens)
	}
	if err := s.writers.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, err
	}
	return recorded, nil
}

// outcomeColumns are the outcomes of a group, column by column, and whose next in order may go.
type outcomeColumns struct {
	seqs, leases, nexts, lasts []int64
	states                     []int16
	attempts                   []int32
	reasons                    []string
	histories                  [][]byte
	doneLanes                  []int64
	doneMerchants, doneTokens  []string
}

func (c *outcomeColumns) add(o *outcome) {
	c.seqs, c.leases = append(c.seqs, o.claim.seq), append(c.leases, o.claim.Lease)
	c.nexts, c.lasts = append(c.nexts, o.next), append(c.lasts, o.lastAttempt)
	c.states, c.attempts = append(c.states, o.state), append(c.attempts, int32(o.attempts)) // #nosec G115 -- one a minute for 4,000 years
	c.reasons = append(c.reasons, o.reason)
	c.histories = append(c.histories, append([]byte{}, o.history...)) // empty, not NULL
	if o.claim.Ordered && o.state != 0 {
		c.doneLanes = append(c.doneLanes, o.claim.lane)
		c.doneMerchants, c.doneTokens = append(c.doneMerchants, o.claim.MerchantID), append(c.doneTokens, o.claim.TokenID)
	}
}

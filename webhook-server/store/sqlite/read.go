package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const columns = `seq, id, gateway_id, merchant_id, token_id, update_type, correlation_id, lane, received_at,
	state, attempts, last_reason, last_attempt, next_attempt`

// row is a record as the table has it.
type row struct {
	seq int64
	store.Record
	received, lastAttempt, nextAttempt int64
}

func (r *row) fields() []any {
	return []any{&r.seq, &r.ID, &r.GatewayID, &r.MerchantID, &r.TokenID, &r.UpdateType, &r.CorrelationID, &r.Lane, &r.received,
		&r.State, &r.Attempts, &r.LastReason, &r.lastAttempt, &r.nextAttempt}
}

func (r *row) record() store.Record {
	rec := r.Record
	rec.ReceivedAt, rec.LastAttempt = fromMillis(r.received), fromMillis(r.lastAttempt)
	if rec.State == store.Waiting {
		rec.NextAttempt = fromMillis(r.nextAttempt)
	}
	return rec
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, id string) (store.Record, error) {
	r, err := s.find(ctx, id)
	if err != nil {
		return store.Record{}, fmt.Errorf("getting notification: %w", err)
	}
	return r.record(), nil
}

func (s *Store) find(ctx context.Context, id string) (row, error) {
	q := (&search{hint: "NOT INDEXED"}).equal("id", id)
	q.through(byID, id)
	rows, err := s.search(ctx, q, 1)
	if err != nil {
		return row{}, err
	}
	if len(rows) == 0 {
		return row{}, store.ErrNotFound
	}
	return rows[0], nil
}

// List implements store.Store. Its order is that of acceptance, which is that of reception but for clocks that jump.
func (s *Store) List(ctx context.Context, f store.Filter) ([]store.Record, error) {
	rows, err := s.search(ctx, searchFor(f), pageSize(f.Limit))
	if err != nil {
		return nil, fmt.Errorf("listing notifications: %w", err)
	}
	records := make([]store.Record, len(rows))
	for i := range rows {
		records[i] = rows[i].record()
	}
	slices.SortStableFunc(records, func(a, b store.Record) int { return b.ReceivedAt.Compare(a.ReceivedAt) })
	return records, nil
}

func pageSize(limit int) int {
	const usual, most = 100, 1000
	if limit <= 0 {
		return usual
	}
	return min(limit, most)
}

// closed answers store.ErrClosed once Close has begun.
func (s *Store) closed() error {
	select {
	case <-s.writer.stopping:
		return store.ErrClosed
	default:
		return nil
	}
}

package sqlite

import (
	"context"
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/history"
)

const (
	columns = `seq, id, gateway_id, merchant_id, token_id, update_type, correlation_id, lane, received_at,
	state, attempts, last_reason, last_attempt, next_attempt, ordered, merge, replayed_at`
	allColumns = columns + ", history"
	// claimColumns are those that a claim needs and the queue does not know.
	claimColumns = "seq, id, gateway_id, merchant_id, token_id, update_type, correlation_id, attempts, last_reason, last_attempt, ordered, merge, replayed_at, history"
)

// row is a record as the table has it.
type row struct {
	seq int64
	store.Record
	received, lastAttempt, nextAttempt, replayed int64
	history                                      []byte
}

func (r *row) fields() []any {
	return []any{&r.seq, &r.ID, &r.GatewayID, &r.MerchantID, &r.TokenID, &r.UpdateType, &r.CorrelationID, &r.Lane, &r.received,
		&r.State, &r.Attempts, &r.LastReason, &r.lastAttempt, &r.nextAttempt, &r.Ordered, &r.Merge, &r.replayed}
}

func (r *row) allFields() []any { return append(r.fields(), &r.history) }

func (r *row) claimFields() []any {
	return []any{&r.seq, &r.ID, &r.GatewayID, &r.MerchantID, &r.TokenID, &r.UpdateType, &r.CorrelationID, &r.Attempts, &r.LastReason, &r.lastAttempt, &r.Ordered, &r.Merge, &r.replayed, &r.history}
}

func (r *row) record() store.Record {
	rec := r.Record
	rec.ReceivedAt, rec.LastAttempt, rec.ReplayedAt = fromMillis(r.received), fromMillis(r.lastAttempt), fromMillis(r.replayed)
	if rec.State == store.Waiting {
		rec.NextAttempt = fromMillis(r.nextAttempt)
	}
	return rec
}

func (r *row) delivery(lease int64) store.Delivery {
	rec := r.record()
	since := rec.ReceivedAt
	if r.replayed != 0 {
		since = rec.ReplayedAt
	}
	return store.Delivery{Notification: rec.Notification, Attempts: rec.Attempts, Since: since, LastAttempt: rec.LastAttempt, LastReason: rec.LastReason, Lease: lease}
}

func (r *row) waiting() waiting { return newWaiting(r.seq, r.received, r.nextAttempt, r.Attempts) }

func (r *row) keyed() keyed {
	return keyed{id: r.ID, token: tokenOf(&r.Notification), updateType: r.UpdateType, ordered: r.Ordered, merge: r.Merge}
}

// Get implements store.Archive.
func (s *Store) Get(ctx context.Context, id string) (store.Record, error) {
	q := searchFor(store.Filter{ID: id})
	q.columns, q.fields = allColumns, (*row).allFields
	r, err := s.find(ctx, q, id)
	if err != nil {
		return store.Record{}, fmt.Errorf("getting notification: %w", err)
	}
	rec := r.record()
	if rec.History, err = history.Decode(r.history); err != nil {
		return store.Record{}, fmt.Errorf("getting notification %s: %w", id, err)
	}
	return rec, nil
}

// find answers the first row of a search for an id.
func (s *Store) find(ctx context.Context, q *search, id string) (row, error) {
	if id == "" {
		return row{}, store.ErrNotFound
	}
	rows, err := s.search(ctx, s.readers.of(q), q, 1)
	if err != nil {
		return row{}, err
	}
	if len(rows) == 0 {
		return row{}, store.ErrNotFound
	}
	return rows[0], nil
}

// List implements store.Archive. Of those received in the same millisecond the one accepted last comes first.
func (s *Store) List(ctx context.Context, f store.Filter) ([]store.Record, error) {
	q := s.searchFor(f)
	if f.After != "" {
		last, err := s.find(ctx, searchFor(store.Filter{ID: f.After}), f.After)
		if err != nil {
			return nil, fmt.Errorf("listing notifications after %s: %w", f.After, err)
		}
		q.behind(last)
	}
	rows, err := s.search(ctx, s.readers.of(q), q, pageSize(f.Limit))
	if err != nil {
		return nil, fmt.Errorf("listing notifications: %w", err)
	}
	records := make([]store.Record, len(rows))
	for i := range rows {
		records[i] = rows[i].record()
	}
	return records, nil
}

// Count implements store.Archive.
func (s *Store) Count(ctx context.Context, f store.Filter) (int, error) {
	q := s.searchFor(f)
	n, err := s.count(ctx, s.readers.of(q), q)
	if err != nil {
		return 0, fmt.Errorf("counting notifications: %w", err)
	}
	return n, nil
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

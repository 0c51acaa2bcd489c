package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/history"
)

const recordColumns = `seq, id, gateway_id, merchant_id, token_id, update_type, correlation_id, received_at, coalesce((SELECT name FROM lane WHERE lane.id = notification.lane), ''), ordered, merge,
	state, attempts, last_reason, last_attempt, CASE WHEN lease = 0 THEN next_attempt ELSE was_due END, replayed_at`

// row is a record as the table has it.
type row struct {
	store.Record
	seq                                            int64
	state                                          int16
	received, lastAttempt, nextAttempt, replayedAt int64
	history                                        []byte
}

func (r *row) fields() []any {
	return []any{&r.seq, &r.ID, &r.GatewayID, &r.MerchantID, &r.TokenID, &r.UpdateType, &r.CorrelationID, &r.received, &r.Lane, &r.Ordered, &r.Merge,
		&r.state, &r.Attempts, &r.LastReason, &r.lastAttempt, &r.nextAttempt, &r.replayedAt}
}

// record is what the row says. While a claim holds, it is due when it was before: the claim is no attempt yet.
func (r *row) record() store.Record {
	rec := r.Record
	rec.State = stateOf(r.state)
	rec.ReceivedAt, rec.LastAttempt, rec.ReplayedAt = instant(r.received), instant(r.lastAttempt), instant(r.replayedAt)
	if rec.State == store.Waiting {
		rec.NextAttempt = instant(r.nextAttempt)
	}
	return rec
}

// Get implements store.Archive.
func (s *Store) Get(ctx context.Context, id string) (store.Record, error) {
	var rec store.Record
	err := s.reading(ctx, func(tx pgx.Tx) error {
		at, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		var r row
		text := "SELECT " + recordColumns + ", history FROM notification WHERE seq = $1"
		if err := tx.QueryRow(ctx, text, at.seq).Scan(append(r.fields(), &r.history)...); err != nil {
			return err
		}
		rec = r.record()
		if rec.History, err = history.Decode(r.history); err != nil { // what else is known of it is worth showing
			s.log.WarnContext(ctx, "history of a notification cannot be read", "id", id, "error", err)
		}
		return nil
	})
	if err != nil {
		return store.Record{}, fmt.Errorf("getting notification: %w", asStoreError(err))
	}
	return rec, nil
}

// find answers where the notification with the id stands, or store.ErrNotFound.
func find(ctx context.Context, tx pgx.Tx, id string) (position, error) {
	if id == "" {
		return position{}, store.ErrNotFound
	}
	one := first{page{limit: 1}}
	if err := searchFor(store.Filter{ID: id}).collect(ctx, tx, &one); err != nil {
		return position{}, err
	}
	if len(one.rows) == 0 {
		return position{}, store.ErrNotFound
	}
	return one.rows[0], nil
}

// stateOf is the state that a column has.
func stateOf(column int16) store.State {
	switch column {
	case 1:
		return store.Delivered
	case 2:
		return store.Dead
	default:
		return store.Waiting
	}
}

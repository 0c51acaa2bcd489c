package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Append implements store.Outbox.
func (s *Store) Append(ctx context.Context, n store.Notification) (string, error) {
	if n.ID == "" {
		return "", errors.New("appending: the notification has no id")
	}
	a := &appending{Notification: n, received: toMillis(n.ReceivedAt), id: n.ID}
	o := &op{kind: appendOp, apply: a.apply}
	o.finished = func(err error) {
		if err == nil && a.id == n.ID {
			s.appended(a)
		}
	}
	if err := s.writer.do(ctx, o); err != nil {
		return "", fmt.Errorf("appending: %w", err)
	}
	return a.id, nil
}

// appending is a notification on its way into the store.
type appending struct {
	store.Notification
	received, seq int64
	id            string // under which the update is delivered
}

// apply decides whether the notification is merged. What it may be merged into is durable, or of the same commit.
func (a *appending) apply(w *writer) error {
	key := mergeKey{a.Lane, tokenOf(&a.Notification), a.UpdateType}
	if a.Merge {
		if into := cmp.Or(w.queue.mergeInto(key), w.merges[key]); into != "" {
			a.id = into
			return nil
		}
	}
	if err := w.room(); err != nil {
		return err
	}
	a.seq = w.nextSeq
	w.nextSeq++
	w.rows = append(w.rows, a.seq, a.ID, a.GatewayID, a.MerchantID, a.TokenID, a.UpdateType, a.CorrelationID, a.Lane, a.received, a.received, a.Ordered, a.Merge)
	if a.Merge {
		w.merges[key] = a.ID
	}
	return nil
}

// appended tells the index and the queue of a notification that is durable.
func (s *Store) appended(a *appending) {
	s.writer.index.add(a.seq, a.received, a.Notification)
	k := keyed{id: a.ID, token: tokenOf(&a.Notification), updateType: a.UpdateType, ordered: a.Ordered, merge: a.Merge}
	s.queue.enter(a.Lane, newWaiting(a.seq, a.received, a.received, 0), k)
}

// insertRows inserts the rows that the appends of the batch have left, several with one statement: a statement by itself costs about as much as a row.
func (w *writer) insertRows() error {
	rows := w.rows
	w.rows = w.rows[:0]
	for _, insert := range w.stmts.inserts {
		for values := insert.rows * rowValues; len(rows) >= values; rows = rows[values:] {
			if _, err := w.exec(insert.stmt, rows[:values]...); err != nil {
				return fmt.Errorf("inserting: %w", err)
			}
			w.changed += insert.rows
			w.final.rows += insert.rows
		}
	}
	return nil
}

// room answers store.ErrFull when the notifications occupy MaxBytes. Free pages inside the file count as room.
func (w *writer) room() error {
	if w.maxBytes <= 0 || len(w.rows) > 0 { // the first of these rows has asked already
		return nil
	}
	var pages, free int64
	if err := w.stmts.pages.QueryRowContext(context.Background()).Scan(&pages); err != nil {
		return fmt.Errorf("counting pages: %w", err)
	}
	if err := w.stmts.freePages.QueryRowContext(context.Background()).Scan(&free); err != nil {
		return fmt.Errorf("counting free pages: %w", err)
	}
	if used := (pages - free) * w.pageSize; used > w.maxBytes {
		return fmt.Errorf("%w: notifications occupy %d bytes of at most %d", store.ErrFull, used, w.maxBytes)
	}
	return nil
}

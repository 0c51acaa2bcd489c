package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, n store.Notification) error {
	if n.ID == "" {
		return errors.New("appending: the notification has no id")
	}
	entry := waiting{due: toMillis(n.ReceivedAt), received: toMillis(n.ReceivedAt)}
	o := &op{kind: appendOp}
	o.apply = func(w *writer) error {
		if err := w.room(); err != nil {
			return err
		}
		entry.seq = w.nextSeq
		w.nextSeq++
		w.rows = append(w.rows, entry.seq, n.ID, n.GatewayID, n.MerchantID, n.TokenID, n.UpdateType, n.CorrelationID, n.Lane, entry.received, entry.due)
		return nil
	}
	o.finished = func(err error) {
		if err == nil {
			s.writer.index.add(entry.seq, n)
			s.queue.push(n.Lane, entry)
		}
	}
	if err := s.writer.do(ctx, o); err != nil {
		return fmt.Errorf("appending: %w", err)
	}
	return nil
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

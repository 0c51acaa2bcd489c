package sqlite

import (
	"context"
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, n store.Notification) error {
	entry := waiting{due: toMillis(n.ReceivedAt), received: toMillis(n.ReceivedAt)}
	o := &op{kind: appendOp}
	o.apply = func(w *writer) error {
		if err := w.room(); err != nil {
			return err
		}
		entry.seq = w.nextSeq
		_, err := w.exec(w.stmts.insert, entry.seq, n.ID, n.GatewayID, n.MerchantID, n.TokenID, n.UpdateType, n.CorrelationID, n.Lane, entry.received)
		if err != nil {
			return err
		}
		w.nextSeq++
		w.changed++
		return nil
	}
	o.finished = func(err error) {
		if err == nil {
			s.queue.push(n.Lane, entry)
		}
	}
	if err := s.writer.do(ctx, o); err != nil {
		return fmt.Errorf("appending: %w", err)
	}
	return nil
}

// room answers store.ErrFull when the notifications occupy MaxBytes. Free pages inside the file count as room.
func (w *writer) room() error {
	if w.maxBytes <= 0 {
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

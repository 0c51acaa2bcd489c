package sqlite

import (
	"context"
	"fmt"
)

// Check implements store.Store. It goes through the writer, so it also fails, with the context's error, when a commit hangs. After a
// failed write it tries one itself: the answer becomes healthy as soon as there is room again.
func (s *Store) Check(ctx context.Context) error {
	err := s.writer.do(ctx, &op{apply: func(w *writer) error {
		if err := w.room(); err != nil {
			return err
		}
		if !w.failing {
			return nil
		}
		return w.tryWriting()
	}})
	if err != nil {
		return fmt.Errorf("checking the store: %w", err)
	}
	return nil
}

// tryWriting needs new pages, as appends do, and gives them back: changing a page in place would succeed in a full file.
func (w *writer) tryWriting() error {
	w.changed++
	if _, err := w.exec(w.stmts.probe); err != nil {
		return err
	}
	_, err := w.exec(w.stmts.endProbe)
	return err
}

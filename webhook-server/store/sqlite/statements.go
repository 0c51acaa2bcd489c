package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// statements are what the writer runs, prepared once on its connection.
type statements struct {
	begin, commit         *sql.Stmt
	insert, record, index *sql.Stmt
	final, replay, prune  *sql.Stmt
	probe, endProbe       *sql.Stmt
	pages, freePages      *sql.Stmt
}

// prepare takes the writer's connection and prepares its statements.
func (w *writer) prepare(ctx context.Context) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	w.conn = conn
	s := &w.stmts
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.begin, "BEGIN IMMEDIATE"},
		{&s.commit, "COMMIT"},
		{&s.insert, `INSERT INTO notification
			(seq, id, gateway_id, merchant_id, token_id, update_type, correlation_id, lane, received_at, next_attempt)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)`},
		{&s.record, `UPDATE notification SET state = ?2, attempts = attempts + 1, last_reason = ?3, last_attempt = ?4, next_attempt = ?5 WHERE seq = ?1`},
		{&s.index, `UPDATE notification SET indexed = 1 WHERE seq > ?1 AND seq <= ?2`},
		{&s.final, `SELECT state, lane, received_at FROM notification WHERE seq = ?1 AND state <> 'Waiting'`},
		{&s.replay, `UPDATE notification SET state = 'Waiting', next_attempt = ?2 WHERE seq = ?1`},
		{&s.prune, `DELETE FROM notification WHERE seq IN (
			SELECT seq FROM notification INDEXED BY notification_by_state
			WHERE indexed = 1 AND state = ?1 AND last_attempt < ?2 ORDER BY last_attempt LIMIT ?3) RETURNING lane`},
		{&s.probe, `INSERT INTO probe VALUES (zeroblob(16384))`},
		{&s.endProbe, `DELETE FROM probe`},
		{&s.pages, `PRAGMA page_count`},
		{&s.freePages, `PRAGMA freelist_count`},
	} {
		if *p.stmt, err = conn.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("preparing %q: %w", p.text, err)
		}
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{s.begin, s.commit, s.insert, s.record, s.index, s.final, s.replay, s.prune, s.probe, s.endProbe, s.pages, s.freePages} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}

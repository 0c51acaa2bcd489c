package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// statements are what the writer runs, prepared once on its connection.
type statements struct {
	begin, commit        *sql.Stmt
	inserts              []insertion // the largest first
	record               *sql.Stmt
	insertRun, dropRun   *sql.Stmt
	insertSpan, dropSpan *sql.Stmt
	prune                *sql.Stmt
	revoke               *sql.Stmt
	pruneRevoked         *sql.Stmt
	probe, endProbe      *sql.Stmt
	pages, freePages     *sql.Stmt
}

// rowsOfRun finds the rows of the run ?1; the numbers are runs.Rows and one less.
const rowsOfRun = `SELECT 1 FROM notification WHERE seq BETWEEN ?1 * 4096 AND ?1 * 4096 + 4095`

// rowValues is how many values a new row has.
const rowValues = 12

// insertion inserts so many rows at once.
type insertion struct {
	rows int
	stmt *sql.Stmt
}

func insertText(rows int) string {
	const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	return `INSERT INTO notification
		(seq, id, gateway_id, merchant_id, token_id, update_type, correlation_id, lane, received_at, next_attempt, ordered, merge)
		VALUES ` + row + strings.Repeat(", "+row, rows-1)
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
		{&s.record, `UPDATE notification SET state = ?2, attempts = ?3, last_reason = ?4, last_attempt = ?5, next_attempt = ?6, history = ?7 WHERE seq = ?1`},
		{&s.insertRun, `INSERT INTO run (number, field, slots) SELECT ?1, ?2, ?3 WHERE EXISTS (` + rowsOfRun + `)`},
		{&s.insertSpan, `INSERT INTO span (number, received_first, received_last) SELECT ?1, ?2, ?3 WHERE EXISTS (` + rowsOfRun + `)`},
		{&s.dropRun, `DELETE FROM run WHERE number = ?1 AND NOT EXISTS (` + rowsOfRun + `)`},
		{&s.dropSpan, `DELETE FROM span WHERE number = ?1 AND NOT EXISTS (` + rowsOfRun + `)`},
		{&s.prune, `DELETE FROM notification WHERE seq IN (
			SELECT seq FROM notification INDEXED BY notification_final
			WHERE state <> 'Waiting' AND state = ?1 AND last_attempt < ?2 ORDER BY last_attempt LIMIT ?3) RETURNING seq, lane`},
		{&s.revoke, revokeText},
		{&s.pruneRevoked, pruneRevokedText},
		{&s.probe, `INSERT INTO probe VALUES (zeroblob(16384))`},
		{&s.endProbe, `DELETE FROM probe`},
		{&s.pages, `PRAGMA page_count`},
		{&s.freePages, `PRAGMA freelist_count`},
	} {
		if *p.stmt, err = conn.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("preparing %q: %w", p.text, err)
		}
	}
	for _, rows := range []int{16, 4, 1} {
		stmt, err := conn.PrepareContext(ctx, insertText(rows))
		if err != nil {
			return fmt.Errorf("preparing to insert: %w", err)
		}
		s.inserts = append(s.inserts, insertion{rows, stmt})
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for _, insert := range s.inserts {
		errs = append(errs, insert.stmt.Close())
	}
	for _, stmt := range []*sql.Stmt{s.begin, s.commit, s.record, s.insertRun, s.dropRun, s.insertSpan, s.dropSpan, s.prune, s.revoke, s.pruneRevoked, s.probe, s.endProbe, s.pages, s.freePages} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}

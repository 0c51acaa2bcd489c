package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// revokeText stores a revocation. One that is known to last as long stays as it is, so that a client that repeats itself costs no
// room. One that now lasts longer gets a new seq: those who follow must learn of it again.
const revokeText = `INSERT OR REPLACE INTO revocation (gateway_id, jti, expires_at) SELECT ?1, ?2, ?3
	WHERE NOT EXISTS (SELECT 1 FROM revocation WHERE gateway_id = ?1 AND jti = ?2 AND expires_at >= ?3)`

const pruneRevokedText = `DELETE FROM revocation WHERE seq IN (
	SELECT seq FROM revocation INDEXED BY revocation_expiry WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)`

// Revoke implements store.RevocationList.
func (s *Store) Revoke(ctx context.Context, r store.Revocation) error {
	if r.GatewayID == "" || r.JTI == "" || r.ExpiresAt.IsZero() {
		return errors.New("revoking: the revocation needs a gateway, a jti and an expiry")
	}
	err := s.writer.do(ctx, &op{apply: func(w *writer) error {
		if err := w.room(); err != nil {
			return err
		}
		_, err := w.change(w.stmts.revoke, r.GatewayID, r.JTI, r.ExpiresAt.UnixMilli())
		return err
	}})
	if err != nil {
		return fmt.Errorf("revoking: %w", err)
	}
	return nil
}

// Revocations implements store.RevocationList. The one writer commits in order of seq, so none appears before one already read.
func (s *Store) Revocations(ctx context.Context, after int64) ([]store.Revocation, int64, error) {
	list, next, err := s.readRevocations(ctx, after)
	if err != nil {
		return nil, after, fmt.Errorf("reading revocations: %w", err)
	}
	return list, next, nil
}

func (s *Store) readRevocations(ctx context.Context, after int64) ([]store.Revocation, int64, error) {
	if err := s.closed(); err != nil {
		return nil, after, err
	}
	rows, err := s.readers.urgent.QueryContext(ctx,
		"SELECT seq, gateway_id, jti, expires_at FROM revocation WHERE seq > ? ORDER BY seq LIMIT ?", after, store.RevocationPage)
	if err != nil {
		return nil, after, err
	}
	type revocation struct {
		store.Revocation
		seq, expires int64
	}
	found, err := scanAll(rows, func(r *revocation) []any { return []any{&r.seq, &r.GatewayID, &r.JTI, &r.expires} })
	if err != nil || len(found) == 0 {
		return nil, after, err
	}
	list := make([]store.Revocation, len(found))
	for i, r := range found {
		list[i] = r.Revocation
		list[i].ExpiresAt = time.UnixMilli(r.expires).UTC()
	}
	return list, found[len(found)-1].seq, nil
}

// PruneRevocations implements store.RevocationList.
func (s *Store) PruneRevocations(ctx context.Context, before time.Time, limit int) (int, error) {
	removed, err := inSteps(limit, func(step int) (n int, err error) {
		err = s.writer.do(ctx, &op{apply: func(w *writer) (err error) {
			n, err = w.change(w.stmts.pruneRevoked, before.UnixMilli(), step)
			return err
		}})
		if err != nil {
			return 0, err // what it removed has been rolled back
		}
		return n, nil
	})
	if err != nil {
		return removed, fmt.Errorf("pruning revocations: %w", err)
	}
	return removed, nil
}

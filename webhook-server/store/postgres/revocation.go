package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// revocationLock is the number of the advisory lock that whoever inserts a revocation holds until the row is visible: "d1revoke". A number is taken under it, so
// none becomes visible after a higher one.
const revocationLock = 0x64317265766f6b65

// revokeText stores a revocation. One that is known to last as long stays as it is, so that a client that repeats itself costs no room. One that now lasts
// longer gets a new number: those who follow must learn of it again.
const revokeText = `INSERT INTO revocation (gateway_id, jti, expires_at) VALUES ($1, $2, $3)
	ON CONFLICT (gateway_id, jti) DO UPDATE SET expires_at = excluded.expires_at, seq = DEFAULT WHERE revocation.expires_at < excluded.expires_at`

// Revoke implements store.RevocationList.
func (s *Store) Revoke(ctx context.Context, r store.Revocation) error {
	if r.GatewayID == "" || r.JTI == "" || r.ExpiresAt.IsZero() {
		return errors.New("revoking: the revocation needs a gateway, a jti and an expiry")
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(revocationLock)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, revokeText, r.GatewayID, r.JTI, r.ExpiresAt.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("revoking: %w", asStoreError(err))
	}
	return nil
}

// Revocations implements store.RevocationList.
func (s *Store) Revocations(ctx context.Context, after int64) ([]store.Revocation, int64, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	rows, err := s.pool.Query(ctx, "SELECT seq, gateway_id, jti, expires_at FROM revocation WHERE seq > $1 ORDER BY seq LIMIT $2", after, store.RevocationPage)
	if err != nil {
		return nil, after, fmt.Errorf("reading revocations: %w", asStoreError(err))
	}
	next := after
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r store.Revocation, err error) {
		var expires int64
		err = row.Scan(&next, &r.GatewayID, &r.JTI, &expires)
		r.ExpiresAt = time.UnixMilli(expires).UTC()
		return r, err
	})
	if err != nil {
		return nil, after, fmt.Errorf("reading revocations: %w", asStoreError(err))
	}
	return list, next, nil
}

// PruneRevocations implements store.RevocationList.
func (s *Store) PruneRevocations(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	for removed < limit {
		step := min(pruneStep, limit-removed)
		n, err := s.pruneRevocationsOnce(ctx, millisFrom(before), step)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("pruning revocations: %w", asStoreError(err))
		}
		if n < step {
			break
		}
	}
	return removed, nil
}

func (s *Store) pruneRevocationsOnce(ctx context.Context, before int64, limit int) (int, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	gone, err := s.pool.Exec(ctx, `DELETE FROM revocation WHERE seq IN (SELECT seq FROM revocation
		WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, before, limit)
	if err != nil {
		return 0, err
	}
	return int(gone.RowsAffected()), nil
}

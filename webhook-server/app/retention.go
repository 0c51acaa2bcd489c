package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	pruneInterval = 5 * time.Second
	pruneBatch    = 500 // small, so that a batch does not hold up a commit
)

// prune removes what has been kept long enough, until ctx ends. While the store is full, what has been delivered goes before its time:
// taking in the next notification matters more than looking up the last ones.
func prune(ctx context.Context, s store.Store, keep map[store.State]time.Duration, now func() time.Time, logger *slog.Logger) {
	tick := time.NewTicker(pruneInterval)
	defer tick.Stop()
	for {
		for state, age := range keep {
			if err := pruneState(ctx, s, state, now().Add(-age), nil); err != nil && ctx.Err() == nil {
				logger.Error("old notifications could not be removed", "state", state, "error", err)
			}
		}
		if isFull(ctx, s) {
			logger.Warn("store is full, delivered notifications are removed before their time")
			if err := pruneState(ctx, s, store.Delivered, now(), func() bool { return !isFull(ctx, s) }); err != nil && ctx.Err() == nil {
				logger.Error("delivered notifications could not be removed", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func isFull(ctx context.Context, s store.Store) bool { return errors.Is(s.Check(ctx), store.ErrFull) }

// pruneState removes batches until nothing is left that old, or until enough says so.
func pruneState(ctx context.Context, s store.Store, state store.State, before time.Time, enough func() bool) error {
	for ctx.Err() == nil {
		removed, err := s.Prune(ctx, state, before, pruneBatch)
		if err != nil || removed < pruneBatch {
			return err
		}
		if enough != nil && enough() {
			return nil
		}
	}
	return ctx.Err()
}

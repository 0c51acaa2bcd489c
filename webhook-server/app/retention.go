package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	pruneInterval = time.Minute
	pruneBatch    = 500 // small, so that a batch does not hold up a commit
)

// prune removes what has been kept long enough, until ctx ends.
func prune(ctx context.Context, s store.Store, keep map[store.State]time.Duration, now func() time.Time, logger *slog.Logger) {
	tick := time.NewTicker(pruneInterval)
	defer tick.Stop()
	for {
		for state, age := range keep {
			if err := pruneState(ctx, s, state, now().Add(-age)); err != nil && ctx.Err() == nil {
				logger.Error("old notifications could not be removed", "state", state, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func pruneState(ctx context.Context, s store.Store, state store.State, before time.Time) error {
	for ctx.Err() == nil {
		removed, err := s.Prune(ctx, state, before, pruneBatch)
		if err != nil || removed < pruneBatch {
			return err
		}
	}
	return ctx.Err()
}

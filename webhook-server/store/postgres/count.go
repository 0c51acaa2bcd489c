package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Count implements store.Archive.
func (s *Store) Count(ctx context.Context, f store.Filter) (int, error) {
	q := searchFor(f)
	var matching counter
	err := s.reading(ctx, func(tx pgx.Tx) error {
		if q.readsEverything() {
			return matching.read(ctx, tx, q.conditions)
		}
		return q.collect(ctx, tx, &matching)
	})
	if err != nil {
		return 0, fmt.Errorf("counting notifications: %w", asStoreError(err))
	}
	return matching.count, nil
}

// readsEverything reports that no run, field or state spares reading any row: one statement for all is then the quickest way to count.
func (q search) readsEverything() bool {
	return !q.inRuns && len(q.states) == 0 && q.from == math.MinInt64 && q.until == math.MaxInt64
}

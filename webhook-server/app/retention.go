package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// fullInterval lies between two looks whether the store is full, and pruneInterval between two for what is too old: with several replicas all look.
	fullInterval  = 5 * time.Second
	pruneInterval = 20 * time.Second
	pruneBatch    = 500 // small, so that a batch does not hold up a commit
	// countInterval lies between two looks whether there are more than the number to keep: each reads as many entries of an index.
	countInterval = time.Minute
	// pauseMemory is how long a pause that ended is remembered: what waited through it is not too old for an attempt until then.
	pauseMemory        = 30 * 24 * time.Hour
	pausePruneInterval = time.Hour
)

// kept says how long notifications in a final state are kept, and how many at most; 0 means any number.
type kept struct {
	age time.Duration
	max int
}

// retention removes what has been kept long enough.
type retention struct {
	store  store.Store
	keep   map[store.State]kept
	now    func() time.Time
	logger *slog.Logger
}

func (s *Server) retention() retention {
	o := s.options
	return retention{store: s.store, now: o.Now, logger: o.Logger, keep: map[store.State]kept{
		store.Delivered: {o.Retention, o.RetentionMax},
		store.Dead:      {o.DeadRetention, o.DeadRetentionMax},
	}}
}

// run prunes until ctx ends.
func (r retention) run(ctx context.Context) {
	tick := time.NewTicker(fullInterval)
	defer tick.Stop()
	var pruned, pausesPruned, counted time.Time
	for {
		if now := r.now(); now.Sub(pruned) >= pruneInterval {
			pruned = now
			r.prune(ctx)
		}
		r.makeRoom(ctx)
		if now := r.now(); now.Sub(counted) >= countInterval {
			counted = now
			r.pruneBeyond(ctx)
		}
		if now := r.now(); now.Sub(pausesPruned) >= pausePruneInterval {
			pausesPruned = now
			r.report(ctx, "ended pauses could not be forgotten", r.store.PrunePauses(ctx, now.Add(-pauseMemory)))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// prune removes what is too old.
func (r retention) prune(ctx context.Context) {
	for state, keep := range r.keep {
		r.report(ctx, "old notifications could not be removed", steps(ctx, nil, func() (int, error) {
			return r.store.Prune(ctx, state, r.now().Add(-keep.age), pruneBatch)
		}), "state", state)
	}
}

// makeRoom removes what has been delivered before its time while the store is full: taking in the next notification matters more than looking up the last ones.
func (r retention) makeRoom(ctx context.Context) {
	if !r.isFull(ctx) {
		return
	}
	r.logger.Warn("store is full, delivered notifications are removed before their time")
	r.report(ctx, "delivered notifications could not be removed", steps(ctx, func() bool { return !r.isFull(ctx) }, func() (int, error) {
		return r.store.Prune(ctx, store.Delivered, r.now(), pruneBatch)
	}))
}

// pruneBeyond removes what is too much.
func (r retention) pruneBeyond(ctx context.Context) {
	for state, keep := range r.keep {
		if keep.max == 0 {
			continue
		}
		r.report(ctx, "notifications beyond the number to keep could not be removed", steps(ctx, nil, func() (int, error) {
			return r.store.PruneBeyond(ctx, state, keep.max, pruneBatch)
		}), "state", state)
	}
}

func (r retention) isFull(ctx context.Context) bool {
	return errors.Is(r.store.Check(ctx), store.ErrFull)
}

// report logs an error, unless it comes of the end.
func (r retention) report(ctx context.Context, what string, err error, about ...any) {
	if err != nil && ctx.Err() == nil {
		r.logger.Error("retention failed", append(about, "what", what, "error", err)...)
	}
}

// steps removes batch after batch, until one is not full or enough says so.
func steps(ctx context.Context, enough func() bool, remove func() (int, error)) error {
	for ctx.Err() == nil {
		removed, err := remove()
		if err != nil || removed < pruneBatch {
			return err
		}
		if enough != nil && enough() {
			return nil
		}
	}
	return ctx.Err()
}

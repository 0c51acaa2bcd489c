package revocation

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

const (
	// readTimeout bounds one reading of the list, so that a call that hangs does not end the following.
	readTimeout = 5 * time.Second
	// pruneInterval is how often the expired ones are dropped, pruneBatch how many of them in one call: small, so that it does not hold
	// up a commit.
	pruneInterval = time.Minute
	pruneBatch    = 500
)

// List is what all replicas have revoked; see store.RevocationList.
type List interface {
	Revocations(ctx context.Context, after int64) (list []store.Revocation, next int64, err error)
	PruneRevocations(ctx context.Context, before time.Time, limit int) (int, error)
}

// FollowObserver learns how the following goes, for metrics. Its methods must not block.
type FollowObserver interface {
	// Followed is called after each reading of the list: with how many revocations were read, and with the error when it failed.
	Followed(revocations int, err error)
}

// FollowOptions is what a Follower needs. All fields must be set.
type FollowOptions struct {
	List        List
	Revocations *accesstoken.Revocations
	// Interval is the pause between two readings. A revocation is effective here one pause and one reading after it was stored.
	Interval time.Duration
	Observer FollowObserver
	Logger   *slog.Logger
	Now      func() time.Time
}

// Follower tells a replica's Revocations what other replicas, and itself before a restart, have stored. Its methods must not be called
// at once.
type Follower struct {
	FollowOptions
	cursor  int64
	failing bool
	pruned  time.Time // when the expired ones were dropped last
}

// NewFollower makes a Follower that has read nothing yet.
func NewFollower(o FollowOptions) *Follower { return &Follower{FollowOptions: o} }

// Load reads everything that has not been read yet. Until it has succeeded once the server must verify no token: a revoked one would live.
func (f *Follower) Load(ctx context.Context) error {
	total, err := f.read(ctx)
	f.Observer.Followed(total, err)
	if err != nil {
		return fmt.Errorf("loading revocations: %w", err)
	}
	return nil
}

func (f *Follower) read(ctx context.Context) (total int, err error) {
	for {
		list, next, err := f.List.Revocations(ctx, f.cursor)
		if err != nil {
			return total, err
		}
		for _, r := range list {
			f.Revocations.Add(r.GatewayID, r.JTI, r.ExpiresAt)
		}
		f.cursor = next
		total += len(list)
		if len(list) < store.RevocationPage {
			return total, nil
		}
	}
}

// Follow reads on after each Interval until ctx ends, and drops what has expired. What was read stays effective while reading fails.
func (f *Follower) Follow(ctx context.Context) {
	tick := time.NewTicker(f.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.turn(ctx)
	}
}

func (f *Follower) turn(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	err := f.Load(bounded)
	cancel()
	if ctx.Err() != nil {
		return
	}
	f.tell(err)
	if now := f.Now(); now.Sub(f.pruned) >= pruneInterval {
		f.pruned = now
		f.prune(ctx, now)
	}
}

// tell logs when reading begins to fail and when it works again, not each time.
func (f *Follower) tell(err error) {
	switch {
	case err != nil && !f.failing:
		f.Logger.Error("revocations of other replicas are not seen", "error", err)
	case err == nil && f.failing:
		f.Logger.Info("revocations of other replicas are seen again")
	}
	f.failing = err != nil
}

// prune drops what nobody accepts any more, be it by the clock of a replica that is behind.
func (f *Follower) prune(ctx context.Context, now time.Time) {
	expired := now.Add(-accesstoken.MaxSkew)
	f.Revocations.Forget(expired)
	removed, err := f.List.PruneRevocations(ctx, expired, pruneBatch)
	if err != nil && ctx.Err() == nil {
		f.Logger.Error("expired revocations could not be removed", "error", err)
	}
	if err == nil && removed == pruneBatch {
		f.pruned = time.Time{} // there are more: go on after the next reading, which must not wait
	}
}

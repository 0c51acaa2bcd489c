package storetest

import (
	"context"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Null is a store that keeps nothing and has nothing due: the floor for a benchmark of what is in front of a store. The zero value is ready.
type Null struct{}

var _ store.Store = Null{}

// Append implements store.Store: it forgets n.
func (Null) Append(_ context.Context, n store.Notification) (string, error) { return n.ID, nil }

// DueLanes implements store.Store: there are none.
func (Null) DueLanes(context.Context, time.Time) ([]string, error) { return nil, nil }

// Claim implements store.Store: there is nothing to claim.
func (Null) Claim(context.Context, string, time.Time, int, time.Duration) ([]store.Delivery, error) {
	return nil, nil
}

// ClaimProbe implements store.Store: there is nothing to claim.
func (Null) ClaimProbe(context.Context, string, time.Time, time.Duration) (*store.Delivery, error) {
	return nil, nil
}

// Record implements store.Store: no claim is ever held.
func (Null) Record(context.Context, store.Outcome) error { return store.ErrLeaseLost }

// Release implements store.Store: no claim is ever held.
func (Null) Release(context.Context, string, int64) error { return store.ErrLeaseLost }

// NextDue implements store.Store: nothing will be due.
func (Null) NextDue(context.Context, time.Time) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// Get implements store.Store: there is no record.
func (Null) Get(context.Context, string) (store.Record, error) {
	return store.Record{}, store.ErrNotFound
}

// List implements store.Store: there are no records.
func (Null) List(context.Context, store.Filter) ([]store.Record, error) { return nil, nil }

// Count implements store.Store: there are no records.
func (Null) Count(context.Context, store.Filter) (int, error) { return 0, nil }

// Replay implements store.Store: there is nothing to replay.
func (Null) Replay(context.Context, store.Filter, time.Time, int) (int, error) { return 0, nil }

// Lanes implements store.Store: there are none.
func (Null) Lanes(context.Context) ([]store.LaneStats, error) { return nil, nil }

// Prune implements store.Store: there is nothing to remove.
func (Null) Prune(context.Context, store.State, time.Time, int) (int, error) { return 0, nil }

// PruneBeyond implements store.Store: there is nothing to remove.
func (Null) PruneBeyond(context.Context, store.State, int, int) (int, error) { return 0, nil }

// Pause implements store.PauseList: it forgets the pause.
func (Null) Pause(context.Context, store.Pause) error { return nil }

// Resume implements store.PauseList: no pause holds.
func (Null) Resume(context.Context, string, bool, time.Time) error { return store.ErrNotFound }

// Pauses implements store.PauseList: there are none.
func (Null) Pauses(context.Context) ([]store.Pause, error) { return nil, nil }

// PrunePauses implements store.PauseList: there is nothing to forget.
func (Null) PrunePauses(context.Context, time.Time) error { return nil }

// Revoke implements store.RevocationList: it forgets the revocation.
func (Null) Revoke(context.Context, store.Revocation) error { return nil }

// Revocations implements store.RevocationList: there are none.
func (Null) Revocations(_ context.Context, after int64) ([]store.Revocation, int64, error) {
	return nil, after, nil
}

// PruneRevocations implements store.RevocationList: there is nothing to remove.
func (Null) PruneRevocations(context.Context, time.Time, int) (int, error) { return 0, nil }

// ID implements store.Store.
func (Null) ID() string { return "null" }

// Check implements store.Store.
func (Null) Check(context.Context) error { return nil }

// Close implements store.Store.
func (Null) Close() error { return nil }

// Package store keeps each notification durably from D1's 204 until it is delivered or given up, and remembers the outcome. It also
// keeps what all replicas must know of revoked access tokens, and which destinations people have paused.
//
// An engine is chosen by URL; every engine passes the suite in storetest.
package store

import (
	"context"
	"errors"
	"time"
)

// ErrFull says that the store has no room: D1 is answered 503 and tries again, nothing is lost.
var ErrFull = errors.New("store is full")

// ErrNotFound says that nothing in the store has the given name.
var ErrNotFound = errors.New("not found in the store")

// ErrClosed says that the store has been closed.
var ErrClosed = errors.New("store is closed")

// ErrLeaseLost says that the claim ended before its outcome was recorded, so that another worker may have the notification now.
var ErrLeaseLost = errors.New("lease lost")

// ProbeChoice is how many notifications ClaimProbe chooses from.
const ProbeChoice = 500

// Store is the durable outbox, and beside it what replicas share. All methods may be called at once from many goroutines, and with an engine
// that several replicas share from many processes.
type Store interface {
	Outbox
	Archive
	RevocationList
	PauseList

	// ID names what is stored, not the process that has it open: two replicas with the same ID share their notifications. It never changes.
	ID() string

	// Check answers nil when an Append would have a chance: the health check.
	Check(ctx context.Context) error

	// Close waits for what is under way and ends the store. What this process has claimed and not recorded is handed out again once its lease ends.
	Close() error
}

// Outbox is what waits.
type Outbox interface {
	// Append stores n and returns once it is durable: after a nil error it survives a kill or a power cut. The notification is due at once.
	//
	// It answers the id under which the update is delivered: n.ID, or that of the earlier notification that n was merged into (Notification.Merge).
	// ErrFull (wrapped) when there is no room; any error means that D1 must send it again.
	Append(ctx context.Context, n Notification) (id string, err error)

	// DueLanes names the lanes that have a due, unclaimed notification at now, in order of name. Its cost grows with the number of lanes, not of notifications.
	// A lane may be named for one that an Ordered one holds up, but not again once a claim has found that nothing can be handed out.
	DueLanes(ctx context.Context, now time.Time) ([]string, error)

	// Claim hands out up to limit due notifications of the lane, oldest due first, each leased until now+lease. Nobody else gets them before
	// the lease ends. Of an Ordered token only the one accepted first among those that wait is handed out.
	// Its cost does not grow with what other lanes hold.
	Claim(ctx context.Context, lane string, now time.Time, limit int, lease time.Duration) ([]Delivery, error)

	// ClaimProbe is Claim for one: of the ProbeChoice that have been due for longest, the one received first, and of several received
	// together that of the most attempts. It answers nil when none is due.
	ClaimProbe(ctx context.Context, lane string, now time.Time, lease time.Duration) (*Delivery, error)

	// Record stores the outcome of an attempt, durably, and ends the claim. ErrLeaseLost when the claim had already ended:
	// it was recorded or released, or its lease was over at o.At or at an instant that another call has named since.
	Record(ctx context.Context, o Outcome) error

	// Release ends a claim without an attempt: the notification is due again as it was before the claim. ErrLeaseLost as for Record.
	Release(ctx context.Context, id string, lease int64) error

	// NextDue is the earliest instant after now at which a notification becomes due or a lease ends; ok is false when there is none.
	NextDue(ctx context.Context, now time.Time) (due time.Time, ok bool, err error)

	// Lanes answers the counts of every lane that has waiting or dead notifications, in order of name.
	Lanes(ctx context.Context) ([]LaneStats, error)
}

// LaneStats counts one lane's notifications.
type LaneStats struct {
	Lane    string
	Waiting int
	// OldestWaiting is the ReceivedAt of the oldest waiting notification; zero when none waits.
	OldestWaiting time.Time
	Dead          int
}

// Commit describes one group commit, for metrics.
type Commit struct {
	// Appends and Records count what shared the commit; other kinds of work are in neither.
	Appends, Records int
	// Duration is from the first statement until the commit was durable or had failed.
	Duration time.Duration
	// Err is why the commit failed; nil when it is durable.
	Err error
}

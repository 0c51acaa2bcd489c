// Package store keeps each notification durably from D1's 204 until it is delivered or given up, and remembers the outcome. It also
// keeps what all replicas must know of revoked access tokens.
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

// ErrNotFound says that no notification has the given id.
var ErrNotFound = errors.New("notification not found")

// ErrClosed says that the store has been closed.
var ErrClosed = errors.New("store is closed")

// State is where a notification stands.
type State string

// The states of a notification.
const (
	// Waiting: accepted, not delivered yet. It is due at its NextAttempt.
	Waiting State = "Waiting"
	// Delivered: the destination answered 2xx.
	Delivered State = "Delivered"
	// Dead: given up; the reason says why. A dead letter.
	Dead State = "Dead"
)

// Notification is one accepted notify-update call of D1. Field limits are those of the D1 document; the store does not check them again.
type Notification struct {
	// ID is unique and stable over every attempt: the CloudEvents id and the Standard Webhooks webhook-id.
	// It must not be empty. Whoever appends makes it unique; the store does not look for another one.
	ID string
	// GatewayID, MerchantID and TokenID are the path fields of the call.
	GatewayID, MerchantID, TokenID string
	// UpdateType is the updateType member, for example TOKEN_STATE_CHANGE.
	UpdateType string
	// CorrelationID is D1's x-correlation-id or the one generated in its place. It is not a key.
	CorrelationID string
	// ReceivedAt is when the call was accepted; the store keeps it to the millisecond.
	ReceivedAt time.Time
	// Lane names the destination this notification waits for. Lanes do not delay each other.
	Lane string
}

// Delivery is a notification that one worker has claimed.
type Delivery struct {
	Notification
	// Attempts counts the attempts recorded before this claim.
	Attempts int
	// Lease is the fencing number of this claim. An outcome recorded under a lease that ended is refused with ErrLeaseLost.
	Lease int64
}

// ErrLeaseLost says that the claim ended before its outcome was recorded, so that another worker may have the notification now.
var ErrLeaseLost = errors.New("lease lost")

// Outcome is what came of one attempt.
type Outcome struct {
	ID    string
	Lease int64
	// State is Waiting (try again at NextAttempt), Delivered or Dead.
	State State
	// Reason is from delivery's closed set, for example "timeout"; empty for Delivered.
	Reason string
	// At is when the attempt ended.
	At time.Time
	// NextAttempt is when the notification is due again; only for Waiting.
	NextAttempt time.Time
}

// Record is a notification with its history so far.
type Record struct {
	Notification
	State       State
	Attempts    int
	LastReason  string
	LastAttempt time.Time // zero before the first attempt
	NextAttempt time.Time // zero unless Waiting
}

// Filter chooses records; empty fields match everything.
type Filter struct {
	State                          State
	GatewayID, MerchantID, TokenID string
	CorrelationID                  string
	// Limit bounds the answer; 0 means 100, more than 1,000 means 1,000.
	Limit int
}

// LaneStats counts one lane's notifications.
type LaneStats struct {
	Lane    string
	Waiting int
	// OldestWaiting is the ReceivedAt of the oldest waiting notification; zero when none waits.
	OldestWaiting time.Time
	Dead          int
}

// Store is the durable outbox, and the list of revoked tokens beside it. All methods may be called at once from many goroutines.
type Store interface {
	RevocationList

	// Append stores n and returns once it is durable: after a nil return it survives a kill or a power cut.
	// The notification is due at once. ErrFull (wrapped) when there is no room; any error means that D1 must send it again.
	Append(ctx context.Context, n Notification) error

	// DueLanes names the lanes that have a due, unclaimed notification at now, in order of name. Its cost grows with the number of lanes, not of notifications.
	DueLanes(ctx context.Context, now time.Time) ([]string, error)

	// Claim hands out up to limit due notifications of the lane, oldest due first, each leased until now+lease.
	// Nobody else gets them before the lease ends. Its cost does not grow with what other lanes hold.
	Claim(ctx context.Context, lane string, now time.Time, limit int, lease time.Duration) ([]Delivery, error)

	// Record stores the outcome of an attempt, durably, and ends the claim. ErrLeaseLost when the claim had already ended:
	// it was recorded or released, or its lease was over at o.At or at an instant that another call has named since.
	Record(ctx context.Context, o Outcome) error

	// Release ends a claim without an attempt: the notification is due again as it was before the claim. ErrLeaseLost as for Record.
	Release(ctx context.Context, id string, lease int64) error

	// NextDue is the earliest instant after now at which a notification becomes due or a lease ends; ok is false when there is none.
	NextDue(ctx context.Context, now time.Time) (due time.Time, ok bool, err error)

	// Get answers one record, or ErrNotFound.
	Get(ctx context.Context, id string) (Record, error)

	// List answers the records that match, newest received first.
	List(ctx context.Context, f Filter) ([]Record, error)

	// Lanes answers the counts of every lane that has waiting or dead notifications, in order of name.
	Lanes(ctx context.Context) ([]LaneStats, error)

	// Prune removes up to limit notifications in the given final state (Delivered or Dead) whose last attempt ended before the instant, oldest first, and says how many it removed.
	Prune(ctx context.Context, state State, before time.Time, limit int) (int, error)

	// Check answers nil when an Append would have a chance: the health check.
	Check(ctx context.Context) error

	// Close waits for what is under way and ends the store.
	Close() error
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

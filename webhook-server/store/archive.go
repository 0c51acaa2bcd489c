package store

import (
	"context"
	"time"
)

// Archive is what became of notifications, for people.
type Archive interface {
	// Get answers one record with its history, or ErrNotFound.
	Get(ctx context.Context, id string) (Record, error)

	// List answers the records that match, newest received first, without their history. ErrNotFound when Filter.After names none.
	List(ctx context.Context, f Filter) ([]Record, error)

	// Count says how many match, whatever the filter's After and Limit. It may read all of them.
	Count(ctx context.Context, f Filter) (int, error)

	// Replay makes notifications that match due at the instant, durably, and says how many: up to limit, the oldest received first. The filter's After and
	// Limit mean nothing. Those that are Delivered or Dead wait again, their attempts and their age counted anew; their id and history stay. Those that wait are only due
	// earlier, unless they are claimed: nothing else about them changes, their ReplayedAt included.
	//
	// Only what has not been attempted or replayed at or after the instant, and is not due by then, is replayed. So a caller goes on with the same arguments until
	// fewer than limit are, and never replays anything twice.
	Replay(ctx context.Context, f Filter, at time.Time, limit int) (int, error)

	// Prune removes up to limit notifications in the given final state (Delivered or Dead) whose last attempt ended before the instant, oldest first, and says how many it removed.
	Prune(ctx context.Context, state State, before time.Time, limit int) (int, error)

	// PruneBeyond removes up to limit notifications in the given final state, those first whose last attempt ended first, but leaves the newest keep. It says how many it removed.
	PruneBeyond(ctx context.Context, state State, keep, limit int) (int, error)
}

// Filter chooses records; empty fields match everything.
type Filter struct {
	ID                             string
	State                          State
	GatewayID, MerchantID, TokenID string
	CorrelationID                  string
	UpdateType                     string
	Lane                           string
	// Namespace is what a lane's name has before its first slash. A lane without a slash is in no namespace.
	Namespace string
	// Reason is a Record's LastReason.
	Reason string
	// ReceivedFrom and ReceivedUntil bound ReceivedAt: from the one on, before the other.
	ReceivedFrom, ReceivedUntil time.Time
	// After is the id of the last record of the page before: the answer goes on behind it.
	After string
	// Limit bounds the answer; 0 means 100, more than 1,000 means 1,000.
	Limit int
}

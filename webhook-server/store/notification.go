package store

import "time"

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
	// Ordered: it is not handed out while another Ordered one of the same lane, merchant and token waits that was accepted before it. That one holds it up
	// until it is Delivered or Dead, through all its attempts. Of calls that overlap, any may count as the first.
	Ordered bool
	// Merge: Append drops it in favour of an earlier one with Merge, of the same lane, merchant, token and update type, that waits, is not claimed and has not been
	// attempted since it was received or replayed. A later attempt then tells the destination of both. It decides at Append only. Of calls that overlap, each may be kept.
	Merge bool
}

// Delivery is a notification that one worker has claimed.
type Delivery struct {
	Notification
	// Attempts counts the attempts recorded before this claim, since Since.
	Attempts int
	// Since is when its present schedule began: ReceivedAt, or when it was last replayed.
	Since time.Time
	// LastAttempt is when the attempt before this one ended; zero when there is none.
	LastAttempt time.Time
	// LastReason is the reason recorded last; empty when there is none.
	LastReason string
	// Lease is the fencing number of this claim. An outcome recorded under a lease that ended is refused with ErrLeaseLost.
	Lease int64
}

// Outcome is what came of one attempt.
type Outcome struct {
	ID    string
	Lease int64
	// State is Waiting (try again at NextAttempt), Delivered or Dead.
	State State
	// Reason is from delivery's closed set, for example "timeout"; empty for Delivered.
	Reason string
	// Status is the HTTP status of the answer; 0 when there was none.
	Status int
	// At is when the attempt ended, and Took how long it lasted; the store keeps milliseconds.
	At   time.Time
	Took time.Duration
	// NextAttempt is when the notification is due again; only for Waiting.
	NextAttempt time.Time
	// Uncounted says that nothing reached the destination for a reason that is not the destination's: the Reason is kept as the last one, but it was no attempt. Neither Attempts nor
	// LastAttempt nor History change. Only for Waiting: what is given up counts as attempted.
	Uncounted bool
}

// MaxHistory is how many attempts of a notification are remembered: the newest.
const MaxHistory = 50

// Attempt is one attempt that was made.
type Attempt struct {
	// EndedAt and Took are to the millisecond.
	EndedAt time.Time
	Took    time.Duration
	// Reason is the Outcome's; empty when the destination answered 2xx.
	Reason string
	// Status is the HTTP status of the answer; 0 when there was none.
	Status int
}

// Record is a notification with its history so far.
type Record struct {
	Notification
	State State
	// Attempts counts those since it was received or last replayed.
	Attempts    int
	LastReason  string    // empty once Delivered
	LastAttempt time.Time // zero before the first attempt
	// NextAttempt is when it is due, also for one that an Ordered one holds up; zero unless Waiting. While it is claimed it may be when the lease ends.
	NextAttempt time.Time
	ReplayedAt  time.Time // zero unless replayed
	// History is the newest MaxHistory attempts, the oldest first, those before a replay included. List leaves it out.
	History []Attempt
}

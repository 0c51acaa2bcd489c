// Package wire holds the bodies of the administration API: what the server in package admin writes and reads, and its client too. The
// OpenAPI document beside package admin says the same; its tests hold the two together.
package wire

import "time"

// Notification is one notification and where it stands. Times are RFC 3339 in UTC, to the millisecond.
type Notification struct {
	ID string `json:"id"`
	// State is Waiting, Delivered or Dead.
	State string `json:"state"`
	// Destination is where it goes, namespace/name of the MerchantGateway and its merchantGatewayId, and for a merchant's own destination the
	// merchant id, joined by slashes.
	Destination   string `json:"destination"`
	GatewayID     string `json:"gatewayId"`
	MerchantID    string `json:"merchantId"`
	TokenID       string `json:"tokenId"`
	UpdateType    string `json:"updateType"`
	CorrelationID string `json:"correlationId"`

	ReceivedAt time.Time `json:"receivedAt"`
	// Attempts counts those since it was received or last replayed.
	Attempts    int       `json:"attempts"`
	LastReason  string    `json:"lastReason,omitempty"`
	LastAttempt time.Time `json:"lastAttempt,omitzero"`
	NextAttempt time.Time `json:"nextAttempt,omitzero"`
	ReplayedAt  time.Time `json:"replayedAt,omitzero"`
	// History is the newest attempts, the oldest first. Only the answer about one notification has it.
	History []Attempt `json:"history,omitempty"`
}

// Attempt is one attempt to deliver a notification.
type Attempt struct {
	EndedAt          time.Time `json:"endedAt"`
	TookMilliseconds int64     `json:"tookMilliseconds"`
	// Reason is empty when the destination answered 2xx.
	Reason string `json:"reason,omitempty"`
	// Status is the HTTP status of the answer; 0 when there was none.
	Status int `json:"status,omitempty"`
}

// Notifications is one page of a list.
type Notifications struct {
	Items []Notification `json:"items"`
	// Next is the after of the next page; empty when this is the last one.
	Next string `json:"next,omitempty"`
}

// Filter chooses notifications; what is left out matches everything. Its members have the names of the list's parameters.
type Filter struct {
	State         string    `json:"state,omitempty"`
	Namespace     string    `json:"namespace,omitempty"`
	Destination   string    `json:"destination,omitempty"`
	GatewayID     string    `json:"gatewayId,omitempty"`
	MerchantID    string    `json:"merchantId,omitempty"`
	TokenID       string    `json:"tokenId,omitempty"`
	CorrelationID string    `json:"correlationId,omitempty"`
	UpdateType    string    `json:"updateType,omitempty"`
	Reason        string    `json:"reason,omitempty"`
	ReceivedFrom  time.Time `json:"receivedFrom,omitzero"`
	ReceivedUntil time.Time `json:"receivedUntil,omitzero"`
}

// Replay asks to deliver again what matches.
type Replay struct {
	Filter Filter `json:"filter"`
	// All says that a filter that names nothing but a state is meant.
	All bool `json:"all,omitempty"`
	// DryRun counts and changes nothing.
	DryRun bool `json:"dryRun,omitempty"`
	// ConfirmCount is the Matched of the dry run: a set that has grown far beyond it is refused. Nil in a dry run.
	ConfirmCount *int `json:"confirmCount,omitempty"`
	// At is the At of the dry run, or of the answer before: nothing is replayed that has been attempted or replayed since. Now, when left out.
	At time.Time `json:"at,omitzero"`
}

// Replayed says what came of a Replay, or how far it came.
type Replayed struct {
	// Matched is how many matched when it began, those included that are claimed or due already and need no replay.
	Matched int `json:"matched"`
	// Replayed is how many it made due.
	Replayed int `json:"replayed"`
	// Done is false when time ran out first: ask again with the same At, and it goes on.
	Done bool `json:"done"`
	// At is the instant that it was done for.
	At time.Time `json:"at"`
	// DryRun says that nothing was changed.
	DryRun bool `json:"dryRun,omitempty"`
}

// Destination is one place that notifications go to.
type Destination struct {
	Destination string `json:"destination"`
	// Namespace and Gateway name the MerchantGateway.
	Namespace string `json:"namespace"`
	Gateway   string `json:"gateway"`
	GatewayID string `json:"gatewayId"`
	// MerchantID is set for a merchant's own destination.
	MerchantID string `json:"merchantId,omitempty"`
	// Configured is false when no gateway has this destination now: what waits for it stays until one has.
	Configured    bool      `json:"configured"`
	Waiting       int       `json:"waiting"`
	OldestWaiting time.Time `json:"oldestWaiting,omitzero"`
	Dead          int       `json:"dead"`
	// Pauses hold it back while there is any: at most one of its own and one of its gateway.
	Pauses []Pause `json:"pauses,omitempty"`
}

// Pause is one that holds.
type Pause struct {
	// Of is Destination, or Gateway when all destinations of the gateway are paused.
	Of     string    `json:"of"`
	Since  time.Time `json:"since"`
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// What a Pause is of.
const (
	OfDestination = "Destination"
	OfGateway     = "Gateway"
)

// Destinations is one page of a list, or what a change was about.
type Destinations struct {
	Items []Destination `json:"items"`
	// Next is the after of the next page; empty when this is the last one.
	Next string `json:"next,omitempty"`
}

// Target names what is paused or resumed: one of the two.
type Target struct {
	// Destination is the name of one, as lists show it.
	Destination string `json:"destination,omitempty"`
	// Gateway is namespace/name/merchantGatewayId: all its destinations, also those that it will have.
	Gateway string `json:"gateway,omitempty"`
	// Reason is a note for others to read; only for a pause.
	Reason string `json:"reason,omitempty"`
}

// Problem is the body of every answer that is no success.
type Problem struct {
	// Error names what is wrong and the fix.
	Error string `json:"error"`
	// Matched is how many match now, when that is what is wrong.
	Matched *int `json:"matched,omitempty"`
	// Replayed and At say how far a replay came that failed: ask again with the same At, and it goes on.
	Replayed int       `json:"replayed,omitempty"`
	At       time.Time `json:"at,omitzero"`
}

package delivery

import (
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Observer is told what happens, for metrics. Its methods are called from many goroutines and must not block.
type Observer interface {
	// AttemptEnded follows each attempt of the dispatcher whose outcome has been recorded, and each notification that died or waits on without
	// one: because its destination is not known, or because the egress proxy failed.
	AttemptEnded(AttemptReport)
	// ForwardEnded follows each Forward.
	ForwardEnded(gatewayID, merchantID string, reason Reason, took time.Duration)
	// CircuitChanged follows the opening and closing of a lane's circuit.
	CircuitChanged(lane string, open bool)
	// PauseChanged follows the beginning and the end of a pause, of a lane or of all lanes of a gateway (then lane is the part of their names
	// that they share). It is called for those that hold at the start, too.
	PauseChanged(lane string, wholeGateway, paused bool)
	// ProxyChanged follows a first fault of the egress proxy, and the next attempt that passes it, whoever's.
	ProxyChanged(failing bool)
	// LeaseLost follows an outcome that the store refused because the claim had ended: the notification will be sent once more.
	LeaseLost(lane string)
	// StoreFailed follows each call to the store that failed: "due_lanes", "next_due", "claim", "record", "release", "pauses", "lanes" or
	// "replay".
	StoreFailed(operation string)
}

// AttemptReport describes one attempt.
type AttemptReport struct {
	GatewayID, MerchantID, Lane string
	// Reason is from Reasons.
	Reason Reason
	// Status is the HTTP status of the answer; 0 when there was none.
	Status int
	// State is where the notification stands now.
	State store.State
	// Attempts counts the attempts so far, this one included when it was one.
	Attempts int
	// Took is how long the attempt lasted, and Age how long ago the notification had been received when it ended.
	Took, Age time.Duration
}

// unobserved is the Observer of who has none.
type unobserved struct{}

func (unobserved) AttemptEnded(AttemptReport)                         {}
func (unobserved) ForwardEnded(string, string, Reason, time.Duration) {}
func (unobserved) CircuitChanged(string, bool)                        {}
func (unobserved) PauseChanged(string, bool, bool)                    {}
func (unobserved) ProxyChanged(bool)                                  {}
func (unobserved) LeaseLost(string)                                   {}
func (unobserved) StoreFailed(string)                                 {}

package store

import (
	"context"
	"time"
)

// Pause holds back what waits for a destination, or for all destinations of a gateway: it is accepted and kept, but not delivered.
type Pause struct {
	// Lane is the destination's, or that of the gateway when WholeGateway (the part of its lanes' names that they share: namespace/name/gatewayID).
	Lane string
	// WholeGateway pauses every lane of the gateway.
	WholeGateway bool
	// Since is when it began, By who asked for it, Reason what they said; both may be empty. To the millisecond.
	Since      time.Time
	By, Reason string
	// Until is when it ended; zero while it holds.
	Until time.Time
}

// PauseList keeps the pauses for all that share the store. What waits may be claimed all the same: it is for whoever delivers to heed them.
type PauseList interface {
	// Pause begins p, durably. One that holds already for the same Lane and WholeGateway keeps its Since and takes By and Reason from p; one that has ended is
	// replaced. p.Until means nothing.
	Pause(ctx context.Context, p Pause) error

	// Resume ends a pause at the instant, durably. ErrNotFound when none holds there.
	Resume(ctx context.Context, lane string, wholeGateway bool, at time.Time) error

	// Pauses answers all, in order of Lane, the lane's own before the gateway's: those that hold and those that ended. What ended is kept until PrunePauses.
	Pauses(ctx context.Context) ([]Pause, error)

	// PrunePauses forgets the pauses that ended before the instant.
	PrunePauses(ctx context.Context, before time.Time) error
}

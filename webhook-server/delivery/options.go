package delivery

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// DefaultMaxInFlight is the shared bound on attempts under way when Options leaves it open.
const DefaultMaxInFlight = 1024

// DefaultFollowInterval is how long a pause that another process was asked for takes to hold here, at most, when Options leaves it open.
const DefaultFollowInterval = time.Second

// Attempter makes one attempt. A Sender is one.
type Attempter interface {
	Attempt(ctx context.Context, n store.Notification, owner string, d *serving.Destination) Verdict
}

// Options is what a Dispatcher is made of. Store, Snapshot, Attempter and Logger are required.
type Options struct {
	// Store holds what waits.
	Store store.Store
	// Snapshot answers what is served now. Start only when the source of it has been read in full once: until then every destination is unknown.
	Snapshot func() *serving.Snapshot
	// Attempter sends.
	Attempter Attempter
	// Logger gets no secret, no token id, no URL and nothing that a destination answered.
	Logger *slog.Logger
	// Observer is told what happens; nil tells nobody.
	Observer Observer
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Jitter answers numbers in [0, 1) for the retry schedule; math/rand/v2 when nil.
	Jitter func() float64
	// MaxInFlight bounds the attempts under way, beside one of each lane's own; 0 means DefaultMaxInFlight. A lane gets at most a quarter of it,
	// and the lanes of a namespace together no more than they leave free.
	MaxInFlight int
	// FollowInterval lies between two looks at what the store says about pauses, and at what is served; 0 means DefaultFollowInterval.
	FollowInterval time.Duration
}

func (o Options) withDefaults() Options {
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.FollowInterval <= 0 {
		o.FollowInterval = DefaultFollowInterval
	}
	return o
}

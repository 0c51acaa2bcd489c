package delivery

import (
	"context"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Forward makes one attempt at once, for Synchronous mode: D1 is told what came of it (Verdict.Answer) and nothing is stored. It counts
// towards the destination's maxInFlight and waits for its turn, all together at most the destination's timeout and as long as ctx.
// The shared bound, the rate limit and the circuit do not hold it up: D1 waits for the answer.
func (d *Dispatcher) Forward(ctx context.Context, n store.Notification, destination *serving.Destination) Verdict {
	started := d.now()
	v := d.forward(ctx, n, destination)
	d.observer.ForwardEnded(n.GatewayID, n.MerchantID, v.Reason, d.now().Sub(started))
	return v
}

func (d *Dispatcher) forward(ctx context.Context, n store.Notification, destination *serving.Destination) Verdict {
	g := d.directory.gateway(n)
	if g == nil {
		return Verdict{Reason: UnknownDestination}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(destination.TimeoutSeconds)*time.Second)
	defer cancel()
	for {
		l, entered, changed := d.enter(destination)
		if entered {
			defer l.leave(1, false)
			defer l.end()
			return d.attempter.Attempt(ctx, n, ownerOf(g), destination)
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return Verdict{Reason: Busy}
		}
	}
}

// enter looks the lane up and enters it in one step: between the two it could be forgotten.
func (d *Dispatcher) enter(destination *serving.Destination) (l *lane, entered bool, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l = d.lane(destination.Lane)
	entered, changed = l.enter(destination.MaxInFlight)
	return l, entered, changed
}

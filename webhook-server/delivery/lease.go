package delivery

import (
	"context"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// recordTime bounds the recording of an outcome, all tries together.
	recordTime = 25 * time.Second
	// leaseMargin is what lies between a claim and its attempt, and between the attempt and its outcome, on a machine that is busy.
	leaseMargin = 5 * time.Second
	// longestTimeout is that of any destination.
	longestTimeout = 60 * time.Second
)

// leaseFor is how long a claim holds whose attempt lasts no longer than that: what a process that was killed had claimed is delivered by others after it.
func leaseFor(timeout time.Duration) time.Duration { return timeout + recordTime + leaseMargin }

// within bounds an attempt that may last longer than was known when it was claimed, because its destination has been changed since: the outcome is
// to be recorded while the lease lasts.
func within(ctx context.Context, most time.Duration, d *serving.Destination) (context.Context, context.CancelFunc) {
	if time.Duration(d.TimeoutSeconds)*time.Second <= most {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, most)
}

// longestAttempt is the longest timeout of the destinations that notifications of a lane may go to: they go where their merchant's go now. While
// that is not known it is the longest of any.
func (d *directory) longestAttempt(lane string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.index()
	longest, known := d.longest[lane]
	if !known {
		longest = d.timeoutOf(lane)
		d.longest[lane] = longest
	}
	return longest
}

func (d *directory) timeoutOf(lane string) time.Duration {
	name, merchant, own := splitLane(lane)
	g := d.gateways[name]
	if g == nil {
		return longestTimeout
	}
	longest := 0
	add := func(found *serving.Destination) {
		if found != nil {
			longest = max(longest, found.TimeoutSeconds)
		}
	}
	if own {
		add(g.Destination(merchant)) // the gateway's, once it has none of its own
	} else {
		add(g.Destination(""))
		for _, m := range g.Merchants {
			add(g.Destination(m.ID))
		}
	}
	if longest == 0 {
		return longestTimeout
	}
	return min(longestTimeout, time.Duration(longest)*time.Second)
}

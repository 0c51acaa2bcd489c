package replica

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	// LeaseDuration is how long a replica counts as live after it has renewed its Lease.
	LeaseDuration = 30 * time.Second
	renewInterval = 10 * time.Second

	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Second
	// toldAgain is how often a failure that lasts is logged.
	toldAgain = time.Minute
)

// lease renews the Lease until ctx ends. It is taken after the first report, or the first attempt at one: a replica that lives but has
// told nothing holds up the status of every resource, and rightly only when it cannot tell.
func (r *Reporter) lease(ctx context.Context) {
	outage := outage{logger: r.options.Logger, what: "replica lease"}
	rivalTold := false
	select {
	case <-ctx.Done():
		return
	case <-r.attempted:
	}
	for {
		wait := renewInterval
		rival, err := r.renew(ctx)
		if err != nil {
			wait = outage.failed(fmt.Errorf("renewing the replica lease: %w", err))
		} else {
			outage.ended()
			r.renewed.Store(time.Now().UnixNano())
			r.options.Observer.Renewed(r.options.Now())
			once(r.leased)
		}
		if rival != "" && !rivalTold {
			rivalTold = true
			r.options.Logger.Error("another process reports under this replica's name: each needs a --replica-name of its own", "replica", r.options.Replica, "holder", rival)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (r *Reporter) renew(ctx context.Context) (rival string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return r.options.Cluster.Renew(ctx)
}

// outage is a time in which calls fail. It belongs to one goroutine.
type outage struct {
	logger *slog.Logger
	what   string
	since  time.Time // zero outside of one
	told   time.Time
	loud   bool // this one was told
	wait   time.Duration
}

// failed answers how long to wait before the next attempt.
func (o *outage) failed(err error) time.Duration {
	now := time.Now()
	if o.since.IsZero() {
		o.since, o.loud, o.wait = now, false, firstRetry/2
	}
	o.wait = min(2*o.wait, lastRetry)
	if o.told.IsZero() || now.Sub(o.told) >= toldAgain {
		o.told, o.loud = now, true
		o.logger.Warn("API server does not take what this replica reports, trying again", "what", o.what, "since", o.since, "error", err)
	}
	return o.wait
}

// ended takes up a call that did not fail.
func (o *outage) ended() {
	if o.since.IsZero() {
		return
	}
	if o.loud {
		o.logger.Info("API server takes what this replica reports again", "what", o.what, "after", time.Since(o.since).Round(time.Millisecond))
	}
	o.since = time.Time{}
}

// once closes a channel that one goroutine closes, if it has not yet.
func once(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// deliver makes one attempt of a claimed notification, which ends by that time, records what came of it and learns from it.
func (d *Dispatcher) deliver(l *lane, c store.Delivery, by time.Time) {
	destination, owner := d.directory.destination(c.Notification)
	started := d.now()
	t := d.terms(l, c, destination, started)
	v := Verdict{Reason: UnknownDestination}
	switch {
	case t.isExpired(c, started):
		v = Verdict{Reason: Expired}
	case destination != nil:
		ctx, cancel := within(d.attempting, by.Sub(started), destination)
		defer cancel()
		v = d.attempter.Attempt(ctx, c.Notification, owner, destination)
	}
	if v.Reason == Stopped {
		d.release(l, c)
		return
	}
	ended := d.now()
	var o store.Outcome
	if v.Reason == Proxy {
		o = putOff(c, v, ended, d.proxyFailed(l.name, ended))
	} else {
		o = decide(c, v, t, ended, d.jitter())
	}
	o.Took = ended.Sub(started)
	if destination != nil && destination.Lane == l.name { // else it says nothing about this lane's destination
		d.learn(l, v, started, ended)
	}
	if !d.record(l, c, o) {
		return
	}
	if o.State == store.Waiting {
		d.schedule.expectLane(l.name, o.NextAttempt)
	}
	if v.Reason == UnknownDestination && o.State == store.Waiting {
		d.missing.note(c.Notification, ended)
	}
	d.report(c, v, o)
}

// terms are those of a claimed notification. The destination is nil when it is not known.
func (d *Dispatcher) terms(l *lane, c store.Delivery, destination *serving.Destination, now time.Time) terms {
	paused := d.pauses.of(l.name).until
	t := terms{retry: unknownRetry, from: later(c.Since, paused)}
	if destination != nil {
		t.retry = destination.Retry
	}
	byProxy, blocked := d.proxy.heldUntil(l.name, now)
	if c.LastReason == string(Proxy) && byProxy.IsZero() && !blocked {
		byProxy = now // it was held up when another process looked after the lane, and this one does not know yet whether it still is
	}
	t.held = later(t.from, byProxy)
	t.down = l.isOpen() || blocked
	return t
}

// learn tells the lane's circuit. 410 and what was no attempt do not say whether the destination is up.
func (d *Dispatcher) learn(l *lane, v Verdict, started, ended time.Time) {
	switch v.Reason {
	case Proxy, Expired:
		return
	}
	d.proxyPassed(l.name, started, ended)
	switch v.Reason {
	case Gone:
	case Delivered:
		if found := l.succeeded(); found.changed {
			d.circuitClosed(l, found.reasons)
		}
	default:
		if found := l.failed(v, started, ended); found.changed && found.open {
			d.observer.CircuitChanged(l.name, true)
			d.logger.Warn("destination fails, its circuit is open", "lane", l.name)
		}
	}
}

// circuitClosed makes due what failed for those reasons, so that it does not wait for hours when its destination is back: the lane drains
// at its own rate. One that was asked to slow down (429) keeps to what it was asked. The lane goes on meanwhile.
func (d *Dispatcher) circuitClosed(l *lane, reasons []Reason) {
	d.observer.CircuitChanged(l.name, false)
	d.logger.Info("destination's circuit is closed", "lane", l.name)
	at := d.now()
	d.running.Go(func() {
		for _, r := range reasons {
			if r != Throttled {
				d.makeDue(store.Filter{Lane: l.name, State: store.Waiting, Reason: string(r)}, at, l.isOpen)
			}
		}
	})
}

// shortestRecordPause doubles with each failure to record an outcome, up to longestRecordPause.
const shortestRecordPause, longestRecordPause = 100 * time.Millisecond, 2 * time.Second

// record stores an outcome, with some tries over a bad moment of the store. Whatever fails, the notification is sent again: the claim is
// given back, or its lease ends.
func (d *Dispatcher) record(l *lane, c store.Delivery, o store.Outcome) bool {
	ctx, cancel := context.WithTimeout(d.recording, recordTime)
	defer cancel()
	for wait := shortestRecordPause; ; wait = min(2*wait, longestRecordPause) {
		_, over := d.outage.state()
		err := d.store.Record(ctx, o)
		switch {
		case err == nil:
			d.storeWorks()
			return true
		case errors.Is(err, store.ErrLeaseLost):
			d.observer.LeaseLost(l.name)
			d.logger.Warn("lease lost before the outcome was recorded, the notification will be sent again", "notification", c.ID, "lane", l.name)
			return false
		}
		d.storeFailed("record", err)
		d.checkStore()
		if errors.Is(err, store.ErrClosed) || !sleepContext(ctx, wait, over) {
			d.release(l, c)
			return false
		}
	}
}

// release gives a claim back, so that the notification is due again at once.
func (d *Dispatcher) release(l *lane, c store.Delivery) {
	ctx, cancel := context.WithTimeout(d.recording, recordTime)
	defer cancel()
	err := d.store.Release(ctx, c.ID, c.Lease)
	if err == nil {
		d.Wake(l.name)
		return
	}
	if !errors.Is(err, store.ErrLeaseLost) {
		d.storeFailed("release", err)
	}
}

func (d *Dispatcher) report(c store.Delivery, v Verdict, o store.Outcome) {
	attempts := c.Attempts + 1
	if o.Uncounted {
		attempts = c.Attempts
	}
	d.observer.AttemptEnded(AttemptReport{
		GatewayID: c.GatewayID, MerchantID: c.MerchantID, Lane: c.Lane,
		Reason: v.Reason, Status: v.Status, State: o.State, Attempts: attempts,
		Took: o.Took, Age: o.At.Sub(c.ReceivedAt),
	})
	args := []any{"notification", c.ID, "gateway", c.GatewayID, "merchant", c.MerchantID, "reason", v.Reason, "attempts", attempts, "seconds", o.Took.Seconds()}
	if v.Status != 0 {
		args = append(args, "status", v.Status)
	}
	if v.Detail != "" {
		args = append(args, "detail", v.Detail)
	}
	switch o.State {
	case store.Delivered:
		d.logger.Debug("notification delivered", args...)
	case store.Dead:
		d.logger.Warn("notification given up", args...)
	case store.Waiting:
		args = append(args, "nextAttempt", o.NextAttempt)
		if o.Uncounted {
			d.logger.Info("delivery put off", args...)
			return
		}
		d.logger.Info("delivery attempt failed", args...)
	}
}

// sleepContext waits, until the channel is closed at most, and says whether ctx lasted.
func sleepContext(ctx context.Context, wait time.Duration, over <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}

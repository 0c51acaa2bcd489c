package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// deliver makes one attempt of a claimed notification, records what came of it and learns from it.
func (d *Dispatcher) deliver(l *lane, c store.Delivery) {
	destination, owner := d.directory.destination(c.Notification)
	started, attempts := d.now(), c.Attempts+1
	retry, v := unknownRetry, Verdict{Reason: UnknownDestination}
	if destination != nil {
		retry = destination.Retry
	}
	switch {
	case isExpired(c, retry, l.isOpen(), started):
		v = Verdict{Reason: Expired}
	case destination != nil:
		v = d.attempter.Attempt(d.attempting, c.Notification, owner, destination)
	}
	if v.Reason == Stopped {
		d.release(l, c)
		return
	}
	ended := d.now()
	o := decide(c, v, retry, attempts, ended, d.jitter())
	if destination != nil && destination.Lane == l.name { // else it says nothing about this lane's destination
		d.learn(l, v, started, ended)
	}
	if !d.record(l, c, o) {
		return
	}
	if o.State == store.Waiting {
		d.schedule.expect(o.NextAttempt)
	}
	d.report(c, v, o, attempts, ended.Sub(started))
}

// learn tells the lane's circuit. 410 and what was no attempt do not say whether the destination is up.
func (d *Dispatcher) learn(l *lane, v Verdict, started, ended time.Time) {
	changed, open := l.learn(func(c circuit) circuit {
		switch v.Reason {
		case Delivered:
			return c.succeeded()
		case Gone, Expired:
			return c
		}
		c = c.failed(started, ended)
		if v.pausesLane() {
			c = c.paused(v.RetryAfter, ended)
		}
		return c
	})
	if changed {
		d.circuitChanged(l.name, open)
	}
}

func (d *Dispatcher) circuitChanged(lane string, open bool) {
	d.observer.CircuitChanged(lane, open)
	if open {
		d.logger.Warn("destination fails, its circuit is open", "lane", lane)
		return
	}
	d.logger.Info("destination's circuit is closed", "lane", lane)
}

// record stores an outcome, with a few tries over a bad moment of the store. Whatever fails, the notification is sent again: the claim is
// given back, or its lease ends.
func (d *Dispatcher) record(l *lane, c store.Delivery, o store.Outcome) bool {
	ctx, cancel := context.WithTimeout(d.recording, recordTime)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait *= 4 {
		err := d.store.Record(ctx, o)
		switch {
		case err == nil:
			return true
		case errors.Is(err, store.ErrLeaseLost):
			d.observer.LeaseLost(l.name)
			d.logger.Warn("lease lost before the outcome was recorded, the notification will be sent again", "notification", c.ID, "lane", l.name)
			return false
		}
		d.storeFailed("record", err)
		if wait > 10*time.Second || errors.Is(err, store.ErrClosed) || !sleepContext(ctx, wait) {
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

func (d *Dispatcher) report(c store.Delivery, v Verdict, o store.Outcome, attempts int, took time.Duration) {
	d.observer.AttemptEnded(AttemptReport{
		GatewayID: c.GatewayID, MerchantID: c.MerchantID, Lane: c.Lane,
		Reason: v.Reason, State: o.State, Attempts: attempts,
		Took: took, Age: o.At.Sub(c.ReceivedAt),
	})
	args := []any{"notification", c.ID, "gateway", c.GatewayID, "merchant", c.MerchantID, "reason", v.Reason, "attempts", attempts, "seconds", took.Seconds()}
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
		d.logger.Info("delivery attempt failed", append(args, "nextAttempt", o.NextAttempt)...)
	}
}

// sleepContext waits and says whether ctx lasted.
func sleepContext(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

package replica

import (
	"context"
	"fmt"
	"time"
)

// agenda is when the goroutine of the reports does what.
type agenda struct {
	look, check time.Time
	drain       time.Time // zero while nothing drains
	write       time.Time // not before
	pending     bool      // something may have to be written
	uses        bool      // and the uses are to be looked at
}

// next is the earliest.
func (a agenda) next() time.Time {
	next := a.look
	if a.check.Before(next) {
		next = a.check
	}
	if !a.drain.IsZero() && a.drain.Before(next) {
		next = a.drain
	}
	if a.pending && a.write.Before(next) {
		next = a.write
	}
	return next
}

// report writes reports until ctx ends.
func (r *Reporter) report(ctx context.Context) {
	if !r.load(ctx) {
		return
	}
	now := time.Now()
	a := agenda{look: now, check: now.Add(checkInterval)}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.options.Documents.Changes():
			a.pending = true
		case <-timer.C:
		}
		r.step(ctx, &a)
		timer.Reset(time.Until(a.next()))
	}
}

// step does what is due.
func (r *Reporter) step(ctx context.Context, a *agenda) {
	now := time.Now()
	if !now.Before(a.look) {
		a.pending, a.uses, a.look = true, true, now.Add(lookInterval)
	}
	if !now.Before(a.check) {
		a.check = now.Add(checkInterval)
		if r.check(ctx) {
			a.pending, a.uses = true, true
		}
	}
	if !a.drain.IsZero() && !now.Before(a.drain) {
		a.pending, a.drain = true, now.Add(drainInterval)
	}
	if !a.pending || now.Before(a.write) {
		return
	}
	r.drain(ctx)
	var p plan
	if a.uses {
		p = r.everything(false)
	} else {
		p = r.ledger.documents(r.facts())
	}
	a.drain = time.Time{}
	if r.drainage.any() {
		a.drain = now.Add(drainInterval)
	}
	if p.empty() {
		a.pending, a.uses = false, false
		r.behind.Store(0)
		once(r.attempted)
		once(r.reported)
		return
	}
	r.behind.CompareAndSwap(0, r.options.Now().UnixNano())
	if err := r.write(ctx, p); err != nil {
		a.write = time.Now().Add(r.outage.failed(err))
		return
	}
	r.outage.ended()
	r.behind.Store(0)
	a.pending, a.uses, a.write = false, false, now.Add(versionPause)
}

// load reads what an earlier process of this name has reported, so that its uses are not lost. It says whether there is time left.
func (r *Reporter) load(ctx context.Context) bool {
	for {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		left, err := r.options.Cluster.Reports(call)
		cancel()
		if err == nil {
			r.ledger = newLedger(r.options.Replica, left)
			for c, told := range r.ledger.told {
				r.options.Uses.note(c, told.seconds)
			}
			r.outage.ended()
			return true
		}
		r.behind.CompareAndSwap(0, r.options.Now().UnixNano())
		wait := r.outage.failed(fmt.Errorf("reading the replica's own reports: %w", err))
		once(r.attempted)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

// check finds objects that somebody else has changed, and says whether there are any. When it cannot be known the next check finds them.
func (r *Reporter) check(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	changed, err := r.options.Cluster.Changed(ctx)
	if err != nil {
		return false
	}
	for _, name := range changed {
		r.options.Logger.Warn("replica report was changed by somebody else, writing it again", "report", name)
		r.ledger.doubt(name)
	}
	return len(changed) > 0
}

// drain counts what waits for gateways that are being deleted. While the store cannot be asked the last count stays.
func (r *Reporter) drain(ctx context.Context) {
	r.drainage.follow(r.options.Documents.Snapshot().Draining(), time.Now())
	if !r.drainage.any() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	lanes, err := r.options.Lanes(ctx)
	if err != nil {
		r.options.Logger.Warn("notifications of draining gateways not counted", "error", err)
		return
	}
	r.drainage.count(lanes, time.Now())
}

func (r *Reporter) facts() facts {
	return facts{servedDocuments(r.options.Documents.Served()), r.options.StoreID, r.drainage.list()}
}

func (r *Reporter) everything(all bool) plan {
	snapshot := r.options.Documents.Snapshot()
	if r.known == nil || r.known.snapshot != snapshot {
		r.known = newKnown(snapshot)
	}
	now := r.options.Now()
	uses := r.options.Uses.retain(func(c credential) (several, ok bool) { return r.known.find(c, now) })
	return r.ledger.everything(r.facts(), uses, now, all)
}

// write does what is planned, until something fails.
func (r *Reporter) write(ctx context.Context, p plan) error {
	defer once(r.attempted)
	for _, report := range p.writes {
		err := r.call(ctx, func(ctx context.Context) error { return r.options.Cluster.Put(ctx, report) })
		if err != nil {
			r.ledger.doubt(report.Name)
			return fmt.Errorf("writing the replica report %s: %w", report.Name, err)
		}
		r.ledger.wrote(report)
	}
	once(r.reported)
	for _, name := range p.deletes {
		if err := r.call(ctx, func(ctx context.Context) error { return r.options.Cluster.Delete(ctx, name) }); err != nil {
			return fmt.Errorf("deleting the replica report %s: %w", name, err)
		}
		r.ledger.deleted(name)
	}
	if p.lone {
		r.ledger.loneTold = r.options.Now()
	}
	return nil
}

func (r *Reporter) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := f(ctx)
	r.options.Observer.Wrote(err)
	return err
}

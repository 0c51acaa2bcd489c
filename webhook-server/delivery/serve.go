package delivery

import (
	"errors"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	shortestStorePause = 100 * time.Millisecond
	longestStorePause  = 5 * time.Second
)

// serve claims and starts attempts of one lane until nothing of it is due. Each lane has its own goroutine while something is,
// so that waiting for one, for whatever reason, holds up no other.
func (d *Dispatcher) serve(l *lane) {
	storePause := shortestStorePause
	for d.claiming.Err() == nil {
		if h := d.pauses.of(l.name); h.paused {
			d.await(0, h.changed)
			continue
		}
		if failing, over := d.outage.state(); failing {
			d.await(longestStorePause, over)
		}
		lim := limitsOf(d.directory.lane(l.name), d.quota)
		inTurn, wait, works := d.proxy.lineUp(l.name, d.now())
		if wait > 0 {
			d.await(wait, works)
			continue
		}
		if failing, _ := d.outage.state(); inTurn || failing {
			lim.maxInFlight = 1
		}
		a := l.admit(lim, d.now())
		if a.forgave {
			d.circuitClosed(l, a.reasons)
		}
		if a.n == 0 {
			d.await(a.wait, a.changed)
			continue
		}
		own, slots := d.takeSlots(l, a.n)
		if slots == 0 {
			continue
		}
		if d.pauses.of(l.name).paused || (inTurn && !d.proxy.takeTurn(l.name, d.now())) { // it may have waited long for a slot
			d.freeAll(l, own, slots)
			continue
		}
		drained, err := d.claim(l, own, slots, a.probe)
		if errors.Is(err, store.ErrClosed) {
			return
		}
		if err != nil {
			d.checkStore()
			_, over := d.outage.state()
			d.await(storePause, over)
			storePause = min(2*storePause, longestStorePause)
			continue
		}
		storePause = shortestStorePause
		if drained && l.rest() {
			return
		}
	}
}

// takeSlots takes a slot for each of n admitted attempts, as far as there are any: the lane's own when it is free, and shared ones.
// It waits for the first. It gives back the admission of those that get none; that is all of them when the lane should look again first.
func (d *Dispatcher) takeSlots(l *lane, n int) (own bool, slots int) {
	own = l.takeOwn()
	if own {
		slots = 1
	}
	slots += d.shared.take(l.name, n-slots)
	if slots == 0 {
		slots = d.awaitShared(l, n)
		n = 1
	}
	l.leave(n-slots, false)
	return own, slots
}

// awaitShared waits for one shared slot, in turn with other lanes, and gives back the admission of all attempts but one.
// It ends without a slot when an attempt of the lane ends, because the lane's own slot may be free then.
func (d *Dispatcher) awaitShared(l *lane, n int) int {
	l.leave(n-1, false)
	ownFree, changed := l.watch()
	if ownFree {
		return 0
	}
	if d.shared.wait(l.name, changed, d.claiming.Done()) {
		return 1
	}
	return 0
}

// claim starts an attempt for each notification that it gets for the slots, and frees the other slots.
// Drained says that there were fewer than slots.
func (d *Dispatcher) claim(l *lane, own bool, slots int, probe bool) (drained bool, err error) {
	l.look()
	now := d.now()
	lease := leaseFor(d.directory.longestAttempt(l.name))
	claimed, err := d.claimDue(l.name, now, slots, probe, lease)
	if err != nil && d.claiming.Err() == nil {
		d.storeFailed("claim", err)
	}
	l.begin(len(claimed), now)
	for _, c := range claimed {
		usesOwn := own
		own = false
		d.running.Go(func() {
			defer d.free(l, usesOwn)
			defer l.end()
			d.deliver(l, c, now.Add(lease-recordTime))
		})
	}
	d.freeAll(l, own, slots-len(claimed))
	return len(claimed) < slots, err
}

func (d *Dispatcher) claimDue(lane string, now time.Time, limit int, probe bool, lease time.Duration) ([]store.Delivery, error) {
	if !probe {
		return d.store.Claim(d.claiming, lane, now, limit, lease)
	}
	c, err := d.store.ClaimProbe(d.claiming, lane, now, lease)
	if c == nil || err != nil {
		return nil, err
	}
	return []store.Delivery{*c}, nil
}

// freeAll frees slots that are not used; own says that the first of them is the lane's own.
func (d *Dispatcher) freeAll(l *lane, own bool, slots int) {
	for range slots {
		d.free(l, own)
		own = false
	}
}

// free ends one attempt and its slot.
func (d *Dispatcher) free(l *lane, own bool) {
	if !own {
		d.shared.leave(l.name)
	}
	l.leave(1, own)
}

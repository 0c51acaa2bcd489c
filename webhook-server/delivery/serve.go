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
		a := l.admit(limitsOf(d.directory.lane(l.name), d.quota), d.now())
		if a.forgave {
			d.circuitChanged(l.name, false)
		}
		if a.n == 0 {
			d.pause(a.wait, a.changed)
			continue
		}
		own, slots := d.takeSlots(l, a.n)
		if slots == 0 {
			l.leave(a.n, false)
			d.awaitSlot(l)
			continue
		}
		if unused := a.n - slots; unused > 0 {
			l.leave(unused, false)
		}

		drained, err := d.claim(l, own, slots)
		if errors.Is(err, store.ErrClosed) {
			return
		}
		if err != nil {
			d.pause(storePause, nil)
			storePause = min(2*storePause, longestStorePause)
			continue
		}
		storePause = shortestStorePause
		if drained && l.rest() {
			return
		}
	}
}

// takeSlots takes up to n slots: the lane's own when it is free, and what is left of the shared ones.
func (d *Dispatcher) takeSlots(l *lane, n int) (own bool, slots int) {
	if own = l.takeOwn(); own {
		slots++
	}
	for slots < n {
		select {
		case d.shared <- struct{}{}:
			slots++
		default:
			return own, slots
		}
	}
	return own, slots
}

// awaitSlot waits until a shared slot is free or an attempt of the lane ends. It keeps nothing: whoever is there first takes it.
func (d *Dispatcher) awaitSlot(l *lane) {
	ownFree, changed := l.watch()
	if ownFree {
		return
	}
	select {
	case d.shared <- struct{}{}:
		<-d.shared
	case <-changed:
	case <-d.claiming.Done():
	}
}

// claim starts an attempt for each notification that it gets for the slots, and frees the other slots.
// Drained says that there were fewer than slots.
func (d *Dispatcher) claim(l *lane, own bool, slots int) (drained bool, err error) {
	l.look()
	now := d.now()
	claimed, err := d.store.Claim(d.claiming, l.name, now, slots, lease)
	if err != nil && d.claiming.Err() == nil {
		d.storeFailed("claim", err)
	}
	l.spend(len(claimed), now)
	for _, c := range claimed {
		usesOwn := own
		own = false
		d.running.Go(func() {
			defer d.free(l, usesOwn)
			d.deliver(l, c)
		})
	}
	for i := len(claimed); i < slots; i++ {
		d.free(l, own)
		own = false
	}
	return len(claimed) < slots, err
}

// free ends one attempt and its slot.
func (d *Dispatcher) free(l *lane, own bool) {
	if !own {
		<-d.shared
	}
	l.leave(1, own)
}

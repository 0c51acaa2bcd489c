package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// pausesTime bounds one look at the pauses: one that hangs does not keep follow from the rest of its work.
const pausesTime = 5 * time.Second

// scope is what one pause is about: a lane, or all lanes of a gateway.
type scope struct {
	lane         string
	wholeGateway bool
}

// pauses is what the store has said last about them. Until it has answered once nothing is known, and everything counts as paused.
type pauses struct {
	// reading is held while the store is asked, so that an older answer never takes the place of a newer one.
	reading chan struct{} // holds one

	mu      sync.Mutex
	known   bool
	table   map[scope]store.Pause
	changed chan struct{} // closed and replaced whenever the table changes
}

// hold is what pauses mean for a lane.
type hold struct {
	// paused: nothing is claimed until changed is closed, and then it is to be asked again.
	paused  bool
	changed <-chan struct{}
	// until is when the last one of those that ended did; zero when there is none.
	until time.Time
}

// of answers what holds for a lane.
func (p *pauses) of(lane string) hold {
	gateway, _, _ := splitLane(lane)
	p.mu.Lock()
	defer p.mu.Unlock()
	h := hold{paused: !p.known, changed: p.changed}
	for _, s := range [...]scope{{lane: lane}, {gateway, true}} {
		found, ok := p.table[s]
		if !ok {
			continue
		}
		h.paused = h.paused || found.Until.IsZero()
		h.until = later(h.until, found.Until)
	}
	return h
}

// set takes the store's answer, and answers those that begin and those that end by it.
func (p *pauses) set(all []store.Pause) (begun, ended []scope) {
	next := make(map[scope]store.Pause, len(all))
	for _, pause := range all {
		next[scope{pause.Lane, pause.WholeGateway}] = pause
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for s, pause := range next {
		before, ok := p.table[s]
		held := ok && before.Until.IsZero()
		switch holds := pause.Until.IsZero(); {
		case holds && !held:
			begun = append(begun, s)
		case held && !holds:
			ended = append(ended, s)
		}
	}
	for s, pause := range p.table {
		if _, ok := next[s]; !ok && pause.Until.IsZero() {
			ended = append(ended, s)
		}
	}
	p.table = next
	if p.known && len(begun) == 0 && len(ended) == 0 {
		return nil, nil
	}
	p.known = true
	close(p.changed)
	p.changed = make(chan struct{})
	return begun, ended
}

// follow keeps up with the pauses in the store and with what is served, until claiming ends.
func (d *Dispatcher) follow() {
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(d.claiming, pausesTime)
		_ = d.RefreshPauses(ctx) // it has been reported; what was known last holds
		cancel()
		d.findAgain()
		select {
		case <-tick.C:
		case <-d.claiming.Done():
			return
		}
	}
}

// RefreshPauses reads the pauses from the store. The dispatcher does so every FollowInterval by itself: whoever has changed them calls it so
// that they hold in this process at once, and waits for the answer as long as ctx. An attempt that is under way then goes on to its end.
func (d *Dispatcher) RefreshPauses(ctx context.Context) error {
	select {
	case d.pauses.reading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.pauses.reading }()
	all, err := d.store.Pauses(ctx)
	if err != nil {
		if d.claiming.Err() == nil {
			d.storeFailed("pauses", err)
		}
		return err
	}
	begun, ended := d.pauses.set(all)
	for _, s := range begun {
		d.observer.PauseChanged(s.lane, s.wholeGateway, true)
		d.logger.Info("deliveries paused", "lane", s.lane, "wholeGateway", s.wholeGateway)
	}
	for _, s := range ended {
		d.observer.PauseChanged(s.lane, s.wholeGateway, false)
		d.logger.Info("deliveries resumed", "lane", s.lane, "wholeGateway", s.wholeGateway)
	}
	return nil
}

package delivery

import (
	"context"
	"sync"
	"time"
)

const (
	// storeCheckInterval lies between two looks whether a store that failed works again, and storeCheckTime bounds one.
	storeCheckInterval = time.Second
	storeCheckTime     = 5 * time.Second
)

// outage is what the dispatcher knows of a store that takes no outcomes, because it is full or away. Whoever waits for it goes on as soon as it works again. Meanwhile a lane
// makes one attempt at a time, and few: what cannot be recorded is sent again.
type outage struct {
	mu       sync.Mutex
	checking bool
	lasts    bool
	over     chan struct{} // closed and replaced at its end
}

func newOutage() outage { return outage{over: make(chan struct{})} }

// state says whether there is one, and answers a channel that is closed at its end.
func (o *outage) state() (lasts bool, over <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lasts, o.over
}

// check says whether the caller is to look whether there is one: somebody else may do so already.
func (o *outage) check() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.checking {
		return false
	}
	o.checking = true
	return true
}

func (o *outage) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lasts = true
}

// end notes that the store works, and says whether it did not before.
func (o *outage) end() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	lasted := o.lasts
	o.lasts, o.checking = false, false
	if lasted {
		close(o.over)
		o.over = make(chan struct{})
	}
	return lasted
}

// storeWorks follows an outcome that was recorded.
func (d *Dispatcher) storeWorks() {
	if d.outage.end() {
		d.Look()
	}
}

// checkStore follows one that was not. It finds out whether the store fails as a whole, and then when it works again.
func (d *Dispatcher) checkStore() {
	if d.outage.check() {
		d.running.Go(d.awaitStore)
	}
}

func (d *Dispatcher) awaitStore() {
	_, over := d.outage.state()
	for {
		ctx, cancel := context.WithTimeout(d.claiming, storeCheckTime)
		err := d.store.Check(ctx)
		cancel()
		if err == nil || d.claiming.Err() != nil {
			d.storeWorks()
			return
		}
		select {
		case <-over: // an outcome was recorded: a store may be too full for more, and yet take those
			return
		default:
		}
		d.outage.begin()
		d.await(storeCheckInterval, over)
	}
}

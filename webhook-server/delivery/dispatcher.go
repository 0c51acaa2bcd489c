package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"golang.org/x/time/rate"
)

// lastWords is how long Stop lets cancelled attempts give their claims back.
const lastWords = 2 * time.Second

// Dispatcher delivers what waits in the store. Make one with New.
type Dispatcher struct {
	store     store.Store
	attempter Attempter
	logger    *slog.Logger
	observer  Observer
	now       func() time.Time
	jitter    func() float64
	directory *directory
	shared    *slots        // one for each attempt beyond a lane's own
	quota     int           // the most attempts of one lane
	every     time.Duration // between two looks at pauses and at what is served
	storeLog  rate.Sometimes

	// claiming ends first, then attempting, then recording.
	claiming, attempting, recording             context.Context
	stopClaiming, stopAttempting, stopRecording context.CancelFunc

	mu      sync.Mutex
	started bool
	lanes   map[string]*lane
	running sync.WaitGroup

	schedule schedule
	pauses   pauses
	proxy    proxy
	missing  missing
	outage   outage
}

// New makes a Dispatcher; nothing happens before Start.
func New(o Options) *Dispatcher {
	o = o.withDefaults()
	d := &Dispatcher{
		store:     o.Store,
		attempter: o.Attempter,
		logger:    o.Logger,
		observer:  o.Observer,
		now:       o.Now,
		jitter:    o.Jitter,
		directory: newDirectory(o.Snapshot),
		shared:    newSlots(o.MaxInFlight),
		quota:     max(1, o.MaxInFlight/4),
		lanes:     map[string]*lane{},
		every:     o.FollowInterval,
		storeLog:  rate.Sometimes{First: 1, Interval: 5 * time.Second},
		schedule:  newSchedule(),
		pauses:    pauses{reading: make(chan struct{}, 1), changed: make(chan struct{})},
		proxy:     newProxy(),
		missing:   newMissing(),
		outage:    newOutage(),
	}
	d.claiming, d.stopClaiming = context.WithCancel(context.Background())
	d.attempting, d.stopAttempting = context.WithCancel(context.Background())
	d.recording, d.stopRecording = context.WithCancel(context.Background())
	return d
}

// Start begins to deliver, and answers at once. Call it once.
func (d *Dispatcher) Start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.started || d.claiming.Err() != nil {
		return
	}
	d.started = true
	d.running.Go(d.follow)
	d.running.Go(d.scan)
}

// Stop claims nothing more and waits for the attempts under way. Those that have not ended when ctx does are cancelled and given back:
// they count as no attempt. Stop answers an error when it had to cancel. The store must not be closed before Stop has answered.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.mu.Lock() // nothing is started any more once this lock is free
	d.stopClaiming()
	d.mu.Unlock()
	defer d.stopRecording()
	defer d.stopAttempting()

	ended := make(chan struct{})
	go func() {
		d.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	d.stopAttempting()
	select {
	case <-ended:
	case <-time.After(lastWords):
		d.stopRecording()
		<-ended
	}
	return fmt.Errorf("deliveries under way were cancelled and will be sent again: %w", ctx.Err())
}

// Wake says that a notification of the lane may be due: call it after each Append. It neither blocks nor does the work itself.
func (d *Dispatcher) Wake(lane string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.started || d.claiming.Err() != nil {
		return
	}
	if l := d.lane(lane); l.wake() {
		d.running.Go(func() { d.serve(l) })
	}
}

// lane finds or makes a lane. The caller holds the lock.
func (d *Dispatcher) lane(name string) *lane {
	l := d.lanes[name]
	if l == nil {
		l = newLane(name)
		d.lanes[name] = l
	}
	return l
}

// forget drops the lanes that have nothing to remember.
func (d *Dispatcher) forget(now time.Time) {
	for _, lane := range d.dropIdle(now) {
		d.observer.CircuitChanged(lane, false) // its destination is gone, and so is what showed that it was down
	}
}

// dropIdle answers those that it dropped with an open circuit.
func (d *Dispatcher) dropIdle(now time.Time) (open []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, l := range d.lanes {
		if !l.isIdle(now, d.directory.lane(name) == nil) {
			continue
		}
		if l.isOpen() {
			open = append(open, name)
		}
		delete(d.lanes, name)
	}
	return open
}

// storeFailed reports a failure of the store: in the log at most every five seconds, since all lanes meet it together.
func (d *Dispatcher) storeFailed(operation string, err error) {
	d.observer.StoreFailed(operation)
	d.storeLog.Do(func() { d.logger.Error("store failed", "operation", operation, "error", err) })
}

// await waits that long, or until the channel is closed or claiming ends. 0 waits for the channel alone.
func (d *Dispatcher) await(wait time.Duration, changed <-chan struct{}) {
	var over <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-changed:
	case <-d.claiming.Done():
	}
}

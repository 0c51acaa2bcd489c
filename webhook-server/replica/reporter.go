package replica

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// versionPause is the least time between two writes: the first of many changes is told at once, the others together.
	versionPause = 250 * time.Millisecond
	// lookInterval is how often it is looked which uses are due; the first use of a credential is told within this and the time of a write.
	lookInterval = 5 * time.Second
	// checkInterval is how often it is looked whether the objects are still as they were written.
	checkInterval = time.Minute
	// drainInterval is how often the notifications of draining gateways are counted while there are such gateways.
	drainInterval = time.Second
	// readyPatience is how long readiness waits for the first report and the Lease. Serving matters more than telling of it.
	readyPatience = 5 * time.Second

	callTimeout  = 5 * time.Second
	storeTimeout = time.Second
)

// Documents tells what is served. It is implemented by serving.State.
type Documents interface {
	Snapshot() *serving.Snapshot
	Served() serving.Served
	// Changes is sent to after either has changed; the Reporter is its one reader.
	Changes() <-chan struct{}
	// WaitSynced is closed once there is something to tell.
	WaitSynced() <-chan struct{}
	// Stale says that it comes from a copy, because the API server does not answer.
	Stale() bool
}

// Cluster is where reports and the Lease are kept. Its methods are called by one goroutine for the reports and by one for the Lease.
type Cluster interface {
	// Reports answers the reports of this replica that are there: its own name's first, if that is there.
	Reports(ctx context.Context) ([]*v1alpha1.ReplicaReport, error)
	// Put creates or replaces the report of that name. After an error it is not known which report is there.
	Put(ctx context.Context, report *v1alpha1.ReplicaReport) error
	// Delete deletes a report; none of that name is no error.
	Delete(ctx context.Context, name string) error
	// Changed names the reports of this replica that are not there as Put or Reports has left them, those that nobody here has put included.
	Changed(ctx context.Context) ([]string, error)
	// Renew takes or renews the Lease. It answers who held it, when that was somebody else whose own renewal has not run out.
	Renew(ctx context.Context) (rival string, err error)
	// Release deletes the Lease if it is this process's.
	Release(ctx context.Context) error
}

// Observer learns what became of writes, for metrics. Its methods must not block.
type Observer interface {
	// Wrote is called for each write or deletion of a report.
	Wrote(err error)
	// Renewed is called for each renewal of the Lease that succeeded.
	Renewed(at time.Time)
}

// Options is what a Reporter needs. All fields must be set.
type Options struct {
	// Replica is the name of the replica: see CheckName.
	Replica   string
	Documents Documents
	Uses      *Uses
	// StoreID names the store: store.Store.ID.
	StoreID string
	// Lanes answers the counts of the store: store.Store.Lanes.
	Lanes func(context.Context) ([]store.LaneStats, error)
	// Settle is how long a request may take from its first look at the documents until its notification is in the store. A draining gateway
	// is not told to be empty before.
	Settle   time.Duration
	Cluster  Cluster
	Observer Observer
	Logger   *slog.Logger
	// Now is the clock of the uses.
	Now func() time.Time
}

// Reporter keeps the reports and the Lease of this replica.
type Reporter struct {
	options Options

	// These belong to the goroutine of the reports, and to Stop after it has ended.
	ledger   *ledger // nil until the reports of an earlier process have been read
	drainage drainage
	known    *known
	outage   outage

	attempted chan struct{} // closed when a report has been written, or could not be
	reported  chan struct{} // closed when one has been written
	leased    chan struct{} // closed when the Lease has been taken
	ready     chan struct{}
	renewed   atomic.Int64 // Unix nanoseconds of the last renewal of the Lease; 0 before the first
	behind    atomic.Int64 // Unix nanoseconds since when something waits to be written; 0 when nothing does

	stopping chan struct{} // closed by Stop
	stop     func()
	done     chan struct{} // closed when Run has ended
	started  atomic.Bool
}

// New makes a Reporter; Run starts it.
func New(o Options) *Reporter {
	r := &Reporter{
		options: o, drainage: drainage{settle: o.Settle}, outage: outage{logger: o.Logger, what: "replica report"},
		attempted: make(chan struct{}), reported: make(chan struct{}), leased: make(chan struct{}), ready: make(chan struct{}),
		stopping: make(chan struct{}), done: make(chan struct{}),
	}
	r.stop = sync.OnceFunc(func() { close(r.stopping) })
	return r
}

// Run keeps the reports and the Lease until ctx ends or Stop is called.
func (r *Reporter) Run(ctx context.Context) {
	r.started.Store(true)
	defer close(r.done)
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		select {
		case <-r.stopping:
			cancel()
		case <-ctx.Done():
		}
	})
	select {
	case <-ctx.Done():
		return
	case <-r.options.Documents.WaitSynced():
	}
	var working sync.WaitGroup
	working.Go(func() { r.report(ctx) })
	working.Go(func() { r.lease(ctx) })
	working.Go(func() { r.becomeReady(ctx) })
	working.Wait()
}

// Ready is closed once the first report and the Lease are there, or have been waited for long enough.
func (r *Reporter) Ready() <-chan struct{} { return r.ready }

// IsUnheard says that the Lease has run out, or was never taken: the API server does not answer this replica, and the operator does not count on it.
func (r *Reporter) IsUnheard() bool {
	return time.Since(time.Unix(0, r.renewed.Load())) > LeaseDuration
}

// Behind is since when something waits to be written; zero when nothing does.
func (r *Reporter) Behind() time.Time {
	if since := r.behind.Load(); since != 0 {
		return time.Unix(0, since)
	}
	return time.Time{}
}

func (r *Reporter) becomeReady(ctx context.Context) {
	if r.options.Documents.Stale() {
		close(r.ready) // it has been waited for long enough
		return
	}
	patience := time.NewTimer(readyPatience)
	defer patience.Stop()
	for _, done := range []<-chan struct{}{r.reported, r.leased} {
		select {
		case <-done:
		case <-patience.C:
			r.options.Logger.Warn("ready without a replica report: the API server does not take it")
			close(r.ready)
			return
		case <-ctx.Done():
			return
		}
	}
	close(r.ready)
}

// Stop ends Run, tells all uses and gives the Lease back. Call it when no request is under way any more. What has not been written when ctx ends is
// not written.
func (r *Reporter) Stop(ctx context.Context) {
	r.stop()
	if !r.started.Load() {
		return
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return
	}
	if r.ledger != nil {
		r.drain(ctx)
		if err := r.write(ctx, r.everything(true)); err != nil {
			r.options.Logger.Warn("last replica report not written", "error", err)
		}
	}
	if err := r.options.Cluster.Release(ctx); err != nil {
		r.options.Logger.Warn("replica lease not given back, it runs out by itself", "error", err)
	}
}

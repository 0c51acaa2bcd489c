package replica

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var errAway = errors.New("the API server is away")

// fakeCluster keeps objects in memory, fails when told to, and notes what is asked of it.
type fakeCluster struct {
	mu       sync.Mutex
	objects  map[string]*v1alpha1.ReplicaReport
	attempts int         // of Put
	writes   []time.Time // of those that succeeded
	renewals []time.Time
	changed  []string
	released int
	events   []string // in order: "put", "delete", "renew", "release"

	away  bool   // every call fails
	hang  bool   // every call waits for its context
	rival string // whom the next renewals name
}

// call begins every method; the lock is held when it answers nil.
func (f *fakeCluster) call(ctx context.Context) error {
	f.mu.Lock()
	if f.hang {
		f.mu.Unlock()
		<-ctx.Done()
		return ctx.Err()
	}
	if f.away {
		f.mu.Unlock()
		return errAway
	}
	return nil
}

func (f *fakeCluster) Reports(ctx context.Context) ([]*v1alpha1.ReplicaReport, error) {
	if err := f.call(ctx); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	var all []*v1alpha1.ReplicaReport
	for _, name := range slices.Sorted(maps.Keys(f.objects)) {
		all = append(all, f.objects[name].DeepCopy())
	}
	return all, nil
}

func (f *fakeCluster) Put(ctx context.Context, report *v1alpha1.ReplicaReport) error {
	f.mu.Lock()
	f.attempts++
	f.mu.Unlock()
	if err := f.call(ctx); err != nil {
		return err
	}
	defer f.mu.Unlock()
	f.objects[report.Name] = report.DeepCopy()
	f.writes = append(f.writes, time.Now())
	f.events = append(f.events, "put")
	return nil
}

func (f *fakeCluster) Delete(ctx context.Context, name string) error {
	if err := f.call(ctx); err != nil {
		return err
	}
	defer f.mu.Unlock()
	delete(f.objects, name)
	f.events = append(f.events, "delete")
	return nil
}

func (f *fakeCluster) Changed(ctx context.Context) ([]string, error) {
	if err := f.call(ctx); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	changed := f.changed
	f.changed = nil
	return changed, nil
}

func (f *fakeCluster) Renew(ctx context.Context) (string, error) {
	if err := f.call(ctx); err != nil {
		return "", err
	}
	defer f.mu.Unlock()
	f.renewals = append(f.renewals, time.Now())
	f.events = append(f.events, "renew")
	return f.rival, nil
}

func (f *fakeCluster) Release(ctx context.Context) error {
	if err := f.call(ctx); err != nil {
		return err
	}
	defer f.mu.Unlock()
	f.released++
	f.events = append(f.events, "release")
	return nil
}

// set changes how the cluster behaves.
func (f *fakeCluster) set(change func(*fakeCluster)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// seen counts for metrics.
type seen struct {
	mu             sync.Mutex
	written, wrong int
	renewed        time.Time
}

func (s *seen) Wrote(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.wrong++
	} else {
		s.written++
	}
}

func (s *seen) Renewed(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewed = at
}

// world is a reporter in a bubble, over the base documents.
type world struct {
	*fixture.World
	t        *testing.T
	cluster  *fakeCluster
	uses     *Uses
	reporter *Reporter
	log      *bytes.Buffer
	seen     *seen

	mu       sync.Mutex
	lanes    []store.LaneStats
	lanesErr error

	cancel context.CancelFunc
	ended  chan struct{}
}

const settle = 16 * time.Second

// newWorld has a reporter that has not been started.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		World: fixture.New(t), t: t, cluster: &fakeCluster{objects: map[string]*v1alpha1.ReplicaReport{}}, uses: NewUses(),
		log: new(bytes.Buffer), seen: new(seen), ended: make(chan struct{}),
	}
	w.reach("10", "20")
	w.renew()
	return w
}

// renew puts a new process in place of the reporter.
func (w *world) renew() {
	w.reporter = New(Options{
		Replica: "web-0", Documents: w.State, Uses: w.uses, StoreID: "store-1", Lanes: w.askLanes, Settle: settle, Cluster: w.cluster, Observer: w.seen,
		Logger: slog.New(slog.NewTextHandler(w.log, nil)), Now: time.Now,
	})
}

func (w *world) askLanes(context.Context) ([]store.LaneStats, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lanes, w.lanesErr
}

func (w *world) setLanes(err error, lanes ...store.LaneStats) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lanes, w.lanesErr = lanes, err
}

// reach says up to which versions the documents are in force.
func (w *world) reach(configMaps, secrets string) {
	w.State.ApplyBatch(serving.Batch{ConfigMaps: configMaps, Secrets: secrets})
}

// run starts the reporter. It ends with the test's bubble.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.cancel = cancel
	go func() { w.reporter.Run(ctx); close(w.ended) }()
	w.settle()
}

// settle waits until nothing more happens at this moment.
func (w *world) settle() { synctest.Wait() }

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	<-time.After(d) // of the bubble: it takes no time
	w.settle()
}

func (w *world) own() *v1alpha1.ReplicaReport {
	w.t.Helper()
	w.cluster.mu.Lock()
	defer w.cluster.mu.Unlock()
	own := w.cluster.objects["web-0"]
	if own == nil {
		w.t.Fatalf("there is no report; log:\n%s", w.log)
	}
	return own
}

func (w *world) writes() int {
	w.cluster.mu.Lock()
	defer w.cluster.mu.Unlock()
	return len(w.cluster.writes)
}

func (w *world) wantWrites(n int) {
	w.t.Helper()
	if got := w.writes(); got != n {
		w.t.Fatalf("%d writes, want %d; log:\n%s", got, n, w.log)
	}
}

// authenticate uses a credential of the base client.
func (w *world) authenticate(id string) { w.uses.Used(&w.Client.Header, id, time.Now()) }

func (w *world) isReady() bool {
	select {
	case <-w.reporter.Ready():
		return true
	default:
		return false
	}
}

// inBubble runs a test in a bubble of its own time and ends what it has started.
func inBubble(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() {
			if w.cancel != nil {
				w.cancel()
				<-w.ended
			}
			w.reporter.stop()
		}()
		test(w)
	})
}

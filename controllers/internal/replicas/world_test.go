package replicas

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// world is a tracker with a clock that the test moves, and queues that note who is called.
type world struct {
	*Tracker
	time              time.Time
	clients, gateways *called
	server            *apiServer
}

// apiServer answers which Leases there are.
type apiServer struct {
	leases map[string]coordinationv1.Lease
	away   error
	asked  int
}

func (a *apiServer) list(context.Context) ([]coordinationv1.Lease, error) {
	a.asked++
	return slices.Collect(maps.Values(a.leases)), a.away
}

var began = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{time: began}
	w.make(func() time.Time { return w.time })
	w.start(t)
	return w
}

// make makes the tracker.
func (w *world) make(now func() time.Time, namespaces ...string) {
	w.clients, w.gateways, w.server = &called{}, &called{}, &apiServer{leases: map[string]coordinationv1.Lease{}}
	w.Tracker = NewTracker(Options{Now: now, Leases: w.server.list, Namespaces: namespaces, Logger: logr.Discard()})
}

// passes has time pass, in which the tracker looks as often as it does by itself.
func (w *world) passes(d time.Duration) {
	for end := w.time.Add(d); w.time.Before(end); {
		step := max(min(w.untilNext(), end.Sub(w.time)), time.Millisecond)
		w.time = w.time.Add(step)
		w.look(context.Background())
	}
}

// start has the queues called. all are the names of the resources that there are, of either kind; with none there is one, "all".
func (w *world) start(t *testing.T, all ...string) {
	t.Helper()
	if all == nil {
		all = []string{"all"}
	}
	var requests []reconcile.Request
	for _, name := range all {
		requests = append(requests, reconcile.Request{NamespacedName: named1(name)})
	}
	for kind, queue := range map[serving.Kind]*called{serving.KindClient: w.clients, serving.KindGateway: w.gateways} {
		if err := w.Source(kind, func() []reconcile.Request { return requests }).Start(t.Context(), queue); err != nil {
			t.Fatal(err)
		}
	}
}

// called is a queue that notes what is added.
type called struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	mu    sync.Mutex
	names []string
}

// Add notes the name of a resource.
func (c *called) Add(r reconcile.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.names, r.Name) {
		c.names = append(c.names, r.Name)
	}
}

// take answers who was called since it was last asked, each once.
func (c *called) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.names
	c.names = nil
	slices.Sort(names)
	return names
}

func mustCall(t *testing.T, when string, queue *called, want ...string) {
	t.Helper()
	if got := queue.take(); !slices.Equal(got, want) {
		t.Errorf("%s: called were %q, want %q", when, got, want)
	}
}

// passesWith has time pass, in which these replicas renew.
func (w *world) passesWith(d time.Duration, names ...string) {
	for left := d; left > 0; left -= 30 * time.Second {
		w.beats(names...)
		w.passes(min(left, 30*time.Second))
	}
	w.beats(names...)
}

// renews is a Lease as the replica has renewed it.
func (w *world) renews(name string, at time.Time, seconds int32) {
	w.renewsUnseen(name, at, seconds)
	lease := w.server.leases[name]
	w.sawLease(name, &lease)
}

// renewsUnseen is one of which the watch does not tell.
func (w *world) renewsUnseen(name string, at time.Time, seconds int32) {
	w.server.leases[name] = coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: coordinationv1.LeaseSpec{
		RenewTime: ptr.To(metav1.NewMicroTime(at)), LeaseDurationSeconds: ptr.To(seconds),
	}}
}

// stops is a replica that deletes its Lease.
func (w *world) stops(name string) {
	delete(w.server.leases, name)
	w.sawLease(name, nil)
}

// beats renews by this clock, for a minute.
func (w *world) beats(names ...string) {
	for _, name := range names {
		w.renews(name, w.time, 60)
	}
}

// serves reports both versions.
func (w *world) serves(name string, secrets, configMaps int, refused ...v1alpha1.RefusedDocument) {
	w.sawReport(name, reportOf(name, secrets, configMaps, refused...))
}

func reportOf(name string, secrets, configMaps int, refused ...v1alpha1.RefusedDocument) *v1alpha1.ReplicaReport {
	return &v1alpha1.ReplicaReport{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Replica: name,
		Documents: &v1alpha1.ServedDocuments{SecretsVersion: fmt.Sprint(secrets), ConfigMapsVersion: fmt.Sprint(configMaps), Refused: refused},
	}
}

func named1(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "payments", Name: name}
}

func objectOf(kind serving.Kind, name string) string {
	return serving.Header{Kind: kind, Namespace: "payments", Name: name}.ObjectName()
}

// clientNeed is the document of a client at a version.
func clientNeed(name string, version int) []Need {
	return []Need{{serving.KindClient, objectOf(serving.KindClient, name), fmt.Sprint(version)}}
}

func gatewayNeed(name string, version int) []Need {
	return []Need{{serving.KindGateway, objectOf(serving.KindGateway, name), fmt.Sprint(version)}}
}

// written are the conditions of a resource whose documents are written.
func written(generation int64) []metav1.Condition {
	return []metav1.Condition{
		{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAccepted, ObservedGeneration: generation},
		{Type: v1alpha1.ConditionProgrammed, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonProgrammed, ObservedGeneration: generation},
		{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady, ObservedGeneration: generation},
	}
}

package replicas

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// cluster holds the reports and Leases of the replicas "live", "gone" (two reports) and "silent" (no report).
func cluster(t *testing.T) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, coordinationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c := fake.NewClientBuilder().WithScheme(scheme)
	for report, replica := range map[string]string{"live": "live", "gone": "gone", "gone-1": "gone"} {
		c = c.WithObjects(&v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: report}, Replica: replica})
	}
	for _, lease := range []string{"live", "gone", "silent"} {
		c = c.WithObjects(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: lease}})
	}
	return c.Build()
}

func left(t *testing.T, c client.Client) []string {
	t.Helper()
	var reports v1alpha1.ReplicaReportList
	var leases coordinationv1.LeaseList
	for _, list := range []client.ObjectList{&reports, &leases} {
		if err := c.List(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for i := range reports.Items {
		names = append(names, "report "+reports.Items[i].Name)
	}
	for i := range leases.Items {
		names = append(names, "lease "+leases.Items[i].Name)
	}
	slices.Sort(names)
	return names
}

func mustLeave(t *testing.T, when string, c client.Client, want ...string) {
	t.Helper()
	if got := left(t, c); !slices.Equal(got, want) {
		t.Errorf("%s: there are %q, want %q", when, got, want)
	}
}

func (w *world) seesAll() {
	w.beats("live")
	w.renews("gone", w.time.Add(-time.Hour), 60)
	w.renews("silent", w.time.Add(-time.Hour), 60)
	for report, replica := range map[string]string{"live": "live", "gone": "gone", "gone-1": "gone"} {
		w.sawReport(report, &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: report}, Replica: replica})
	}
}

var everything = []string{"lease gone", "lease live", "lease silent", "report gone", "report gone-1", "report live"}

func TestWhatReplicasLeaveBehindIsDeletedAfterAnHour(t *testing.T) {
	c := cluster(t)
	w := newWorld(t)
	w.seesAll()
	sweeper := &Sweeper{Tracker: w.Tracker, Client: c, Namespace: "system"}
	sweeper.Sweep(t.Context())
	mustLeave(t, "at once", c, everything...)
	w.time = w.time.Add(keep - time.Second)
	w.beats("live")
	sweeper.Sweep(t.Context())
	mustLeave(t, "before an hour is over", c, everything...)
	w.time = w.time.Add(time.Second)
	sweeper.Sweep(t.Context())
	mustLeave(t, "after an hour", c, "lease live", "report live")
	sweeper.Sweep(t.Context())
	mustLeave(t, "although the watch has not told yet that they are gone", c, "lease live", "report live")
	for _, name := range []string{"gone", "gone-1"} {
		w.sawReport(name, nil)
	}
	w.sawLease("gone", nil)
	w.sawLease("silent", nil)
	sweeper.Sweep(t.Context())
	if len(w.silent) != 0 {
		t.Errorf("it remembers for good that %v were silent", w.silent)
	}
}

// TestAReplicaThatCameBackIsCountedAnew: those of a StatefulSet keep their names.
func TestAReplicaThatCameBackIsCountedAnew(t *testing.T) {
	c := cluster(t)
	w := newWorld(t)
	w.seesAll()
	sweeper := &Sweeper{Tracker: w.Tracker, Client: c, Namespace: "system"}
	sweeper.Sweep(t.Context())
	// It lives for a minute between two sweeps.
	w.time = w.time.Add(keep - time.Minute)
	w.beats("gone", "silent", "live")
	w.time = w.time.Add(time.Minute)
	w.beats("live")
	sweeper.Sweep(t.Context())
	mustLeave(t, "an hour after it was first gone", c, everything...)
	w.time = w.time.Add(keep)
	w.beats("live")
	sweeper.Sweep(t.Context())
	mustLeave(t, "an hour after it was gone again", c, "lease live", "report live")
}

func TestASweepThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cluster(t)
		w := &world{Tracker: NewTracker(time.Now), time: time.Now()}
		w.seesAll()
		refusals := 5
		sweeper := &Sweeper{Tracker: w.Tracker, Client: refusing(c, &refusals), Namespace: "system"}
		go func() {
			if err := sweeper.Start(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		for range 9 {
			time.Sleep(sweepEvery)
			synctest.Wait()
			w.renews("live", time.Now(), 3600)
		}
		if refusals != 0 {
			t.Errorf("%d deletions were left to refuse", refusals)
		}
		mustLeave(t, "after it was refused", c, "lease live", "report live")
	})
}

// refusing answers a client whose first deletions fail.
func refusing(c client.WithWatch, refusals *int) client.Client {
	return interceptor.NewClient(c, interceptor.Funcs{
		Delete: func(ctx context.Context, next client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			if *refusals > 0 {
				*refusals--
				return errors.New("the connection broke")
			}
			return next.Delete(ctx, object, options...)
		},
	})
}

// TestAReportThatADeletionWaitsForStays: it is all that tells of the notifications that a replica has left in its store.
func TestAReportThatADeletionWaitsForStays(t *testing.T) {
	c := cluster(t)
	gateway := &v1alpha1.MerchantGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: "acme", UID: "1"}}
	if err := c.Create(t.Context(), gateway); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.seesAll()
	w.sawReport("gone", &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: "gone"}, Replica: "gone", Draining: []v1alpha1.DrainingGateway{
		{Namespace: "payments", Name: "acme", UID: "1", Undelivered: ptr.To[int64](3)},
	}})
	sweeper := &Sweeper{Tracker: w.Tracker, Client: c, Namespace: "system"}
	sweeper.Sweep(t.Context())
	w.time = w.time.Add(keep)
	w.beats("live")
	sweeper.Sweep(t.Context())
	if got := left(t, c); !slices.Contains(got, "report gone") || slices.Contains(got, "report gone-1") {
		t.Errorf("while the deletion waits there are %q", got)
	}
	if err := c.Delete(t.Context(), gateway); err != nil {
		t.Fatal(err)
	}
	sweeper.Sweep(t.Context())
	if got := left(t, c); slices.Contains(got, "report gone") {
		t.Errorf("when the gateway has gone there are %q", got)
	}
}

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
	"k8s.io/apimachinery/pkg/types"
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
	for report, replica := range map[string]string{"live": "live", "gone": "gone", "gone.uses-1": "gone"} {
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
	for report, replica := range map[string]string{"live": "live", "gone": "gone", "gone.uses-1": "gone"} {
		w.sawReport(report, &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: report}, Replica: replica})
	}
}

var everything = []string{"lease gone", "lease live", "lease silent", "report gone", "report gone.uses-1", "report live"}

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
	for _, name := range []string{"gone", "gone.uses-1"} {
		w.sawReport(name, nil)
	}
	w.stops("gone")
	w.stops("silent")
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
		w := &world{time: time.Now()}
		w.make(time.Now)
		w.seesAll()
		refusals := 5
		sweeper := &Sweeper{Tracker: w.Tracker, Client: refusing(c, &refusals), Namespace: "system"}
		go func() {
			if err := sweeper.Start(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		for range 90 {
			w.renews("live", time.Now(), 120)
			time.Sleep(time.Minute)
			synctest.Wait()
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
	withReport := []string{"lease live", "report gone", "report live"}
	withoutReport := []string{"lease live", "report live"}
	for name, c := range map[string]struct {
		gateway    string // the UID of the one that there is
		live       bool
		namespaces []string
		want       []string
	}{
		"while the deletion waits":                         {"1", false, nil, withReport},
		"not when the gateway has gone":                    {"", false, nil, withoutReport},
		"not for a later gateway of the name":              {"2", false, nil, withoutReport},
		"not when another replica is live":                 {"1", true, nil, withoutReport},
		"when another operator may look after the gateway": {"", false, []string{"elsewhere"}, withReport},
		"not for that while another replica is live":       {"", true, []string{"elsewhere"}, withoutReport},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := cluster(t)
			if c.gateway != "" {
				gateway := &v1alpha1.MerchantGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "payments", Name: "acme", UID: types.UID(c.gateway)}}
				if err := cluster.Create(t.Context(), gateway); err != nil {
					t.Fatal(err)
				}
			}
			w := &world{time: began}
			w.make(func() time.Time { return w.time }, c.namespaces...)
			w.seesAll()
			w.sawReport("gone", drains("gone", "acme", "1", ptr.To[int64](3)))
			sweeper := &Sweeper{Tracker: w.Tracker, Client: cluster, Namespace: "system"}
			pass := w.passes
			if c.live {
				pass = func(d time.Duration) { w.passesWith(d, "live") }
			}
			pass(keep - time.Second)
			sweeper.Sweep(t.Context())
			mustLeave(t, "before an hour is over", cluster, everything...)
			pass(time.Second)
			sweeper.Sweep(t.Context())
			mustLeave(t, "after an hour", cluster, c.want...)
		})
	}
}

// TestAnOutageIsNoReasonToSweep: what is not heard of for as long is there, and serves.
func TestAnOutageIsNoReasonToSweep(t *testing.T) {
	c := cluster(t)
	w := newWorld(t)
	w.seesAll()
	w.server.away = errAway
	sweeper := &Sweeper{Tracker: w.Tracker, Client: c, Namespace: "system"}
	w.passes(2 * keep)
	w.server.away = nil
	sweeper.Sweep(t.Context())
	mustLeave(t, "when the API server is back", c, everything...)
	w.beats("live")
	sweeper.Sweep(t.Context())
	mustLeave(t, "when the first replica is back", c, everything...)
	w.passesWith(keep, "live")
	sweeper.Sweep(t.Context())
	mustLeave(t, "an hour after that", c, "lease live", "report live")
}

// TestWhatIsNoReplicasIsNotSwept: a server writes its own report, and may write there what it likes.
func TestWhatIsNoReplicasIsNotSwept(t *testing.T) {
	c := cluster(t)
	for _, object := range []client.Object{
		&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "controllers.d1gateway.io"}},
		&v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "forged"}, Replica: "gone"},
	} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	w.seesAll()
	for report, replica := range map[string]string{
		"forged": "controllers.d1gateway.io", "controllers.d1gateway.io": "controllers.d1gateway.io", "gone.uses-": "gone", "gone.uses-1x": "gone", "other.uses-1": "gone",
	} {
		w.sawReport(report, &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: report}, Replica: replica})
	}
	sweeper := &Sweeper{Tracker: w.Tracker, Client: c, Namespace: "system"}
	sweeper.Sweep(t.Context())
	w.time = w.time.Add(keep)
	w.beats("live")
	sweeper.Sweep(t.Context())
	mustLeave(t, "after an hour", c, "lease controllers.d1gateway.io", "lease live", "report forged", "report live")
}

package replicas

import (
	"context"
	"errors"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

var errAway = errors.New("the connection is refused")

func (w *world) mustBeInTheGap(t *testing.T, when string, want bool) {
	t.Helper()
	if s := w.Standing(nil); s.Live != 0 || s.Gap != want {
		t.Errorf("%s: %d are live, gap %t", when, s.Live, s.Gap)
	}
	if want {
		mustCall(t, when, w.clients)
	} else {
		mustCall(t, when, w.clients, "all")
	}
}

// TestAnOutageOfTheAPIServerSaysNothingOfTheReplicas: their Leases run out while they serve.
func TestAnOutageOfTheAPIServerSaysNothingOfTheReplicas(t *testing.T) {
	const outage = 10 * time.Minute
	for name, end := range map[string]func(t *testing.T, w *world){
		"and the replica renews before the operator asks": func(t *testing.T, w *world) {
			w.renewsUnseen("a", w.time, 30)
			w.passes(askEvery)
			if w.Live() != 1 {
				t.Error("what the API server has answered does not count")
			}
		},
		"and the replica renews only after that": func(t *testing.T, w *world) {
			w.passes(listened - askEvery)
			w.mustBeInTheGap(t, "when it has answered for some time", true)
			w.renewsUnseen("a", w.time, 30)
			w.passes(askEvery)
			if w.Live() != 1 {
				t.Error("what the API server has answered does not count")
			}
		},
		"and the watch is the first to tell": func(t *testing.T, w *world) {
			w.beats("a")
			w.passes(askEvery)
			if w.Live() != 1 {
				t.Error("what the watch has told does not count")
			}
		},
		"and nobody is left": func(t *testing.T, w *world) {
			w.passes(listened)
			w.mustBeInTheGap(t, "when it has answered for some time", true)
			w.passes(askEvery)
			w.mustBeInTheGap(t, "when it has answered long enough", false)
		},
		"and it goes away again": func(t *testing.T, w *world) {
			w.passes(listened - 2*askEvery)
			w.server.away = errAway
			w.passes(2 * askEvery)
			w.server.away = nil
			w.passes(listened)
			w.mustBeInTheGap(t, "when its answers add up to enough", true)
			w.passes(askEvery)
			w.mustBeInTheGap(t, "when it has answered long enough at a time", false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beats("a")
			w.server.away = errAway
			w.passes(outage)
			w.mustBeInTheGap(t, "at the end of the outage", true)
			if most := int(outage/askEvery) + 1; w.server.asked > most || w.server.asked < most/2 {
				t.Errorf("the API server was asked %d times", w.server.asked)
			}
			w.server.away = nil
			end(t, w)
		})
	}
}

// TestNobodyAsksWhileSomebodyIsLive nor when everything has been said.
func TestNobodyAsksWhileSomebodyIsLive(t *testing.T) {
	w := newWorld(t)
	for range 100 {
		w.beats("a")
		w.passes(30 * time.Second)
	}
	if w.server.asked != 0 {
		t.Errorf("the API server was asked %d times while a replica was live", w.server.asked)
	}
	w.passes(time.Minute + Gap)
	w.mustBeInTheGap(t, "after the gap", false)
	asked := w.server.asked
	w.passes(24 * time.Hour)
	if w.server.asked != asked {
		t.Errorf("the API server was asked %d times more", w.server.asked-asked)
	}
}

// TestWhatTheWatchTellsMeanwhileIsNewer: a Lease that was deleted while the API server was asked does not come back.
func TestWhatTheWatchTellsMeanwhileIsNewer(t *testing.T) {
	w := newWorld(t)
	w.leases = func(context.Context) ([]coordinationv1.Lease, error) {
		w.sawLease("a", nil)
		return []coordinationv1.Lease{{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: coordinationv1.LeaseSpec{RenewTime: &metav1.MicroTime{Time: w.time}}}}, nil
	}
	w.passes(askEvery)
	if w.Live() != 0 {
		t.Error("it is live")
	}
}

func TestOnlyLeasesOfReplicasAreListed(t *testing.T) {
	of := func(namespace, name string, labels map[string]string) *coordinationv1.Lease {
		return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}}
	}
	replica := map[string]string{v1alpha1.LabelReplica: v1alpha1.ReplicaValue}
	c := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(
		of("system", "a", replica), of("system", "b", replica), of("elsewhere", "c", replica), of("system", "controllers.d1gateway.io", nil),
	).Build()
	leases, err := ListLeases(c, "system")(t.Context())
	if err != nil || len(leases) != 2 || leases[0].Name != "a" || leases[1].Name != "b" {
		t.Errorf("listed are %v, %v", leases, err)
	}
}

package replicas

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// model is a tracker beside the plainest account of the same things, and clients that do as the reconcilers do: they look when they are called.
type model struct {
	*world
	random  *rand.Rand
	ends    map[string]time.Time               // of Leases
	reports map[string]*v1alpha1.ReplicaReport // by replica
	wanted  map[string]int                     // the version that each client waits for
	known   map[string]string                  // what each client knows
}

var replicaNames = []string{"a", "b", "c"}

func newModel(t *testing.T, seed uint64) *model {
	t.Helper()
	m := &model{
		world:  &world{time: began, clients: &called{}, gateways: &called{}},
		random: rand.New(rand.NewPCG(seed, 0)),
		ends:   map[string]time.Time{}, reports: map[string]*v1alpha1.ReplicaReport{}, wanted: map[string]int{}, known: map[string]string{},
	}
	m.Tracker = NewTracker(func() time.Time { return m.time })
	all := func() []reconcile.Request {
		var requests []reconcile.Request
		for name := range m.wanted {
			requests = append(requests, reconcile.Request{NamespacedName: named1(name)})
		}
		return requests
	}
	if err := m.Source(serving.KindClient, all).Start(t.Context(), m.clients); err != nil {
		t.Fatal(err)
	}
	return m
}

// truth answers what the live replicas say of a client's document, recomputed from nothing.
func (m *model) truth(name string) string {
	live, behind, refused := 0, false, []string{}
	for _, replica := range replicaNames {
		if !m.time.Before(m.ends[replica]) {
			continue
		}
		live++
		r := m.reports[replica]
		var version int
		if r != nil {
			_, _ = fmt.Sscan(r.Documents.SecretsVersion, &version)
		}
		if version < m.wanted[name] {
			behind = true
			continue
		}
		for _, d := range r.Documents.Refused {
			if d.Object == objectOf(serving.KindClient, name) {
				refused = append(refused, replica)
			}
		}
	}
	switch {
	case live == 0:
		return "none"
	case len(refused) > 0:
		return fmt.Sprint("refused by ", refused)
	case behind:
		return "behind"
	default:
		return "served"
	}
}

// happens does one thing at random and answers what.
func (m *model) happens() string {
	replica := replicaNames[m.random.IntN(len(replicaNames))]
	client := fmt.Sprintf("client-%d", m.random.IntN(4))
	switch m.random.IntN(8) {
	case 0, 1:
		m.renews(replica, m.time.Add(time.Duration(m.random.IntN(1000))), 30)
		m.ends[replica] = m.time.Add(30 * time.Second)
		return "renews " + replica
	case 2:
		m.sawLease(replica, nil)
		delete(m.ends, replica)
		return "stops " + replica
	case 3:
		d := time.Duration(1+m.random.IntN(50)) * time.Second
		m.time = m.time.Add(d)
		m.look()
		return "waits " + d.String()
	case 4:
		m.sawReport(replica, nil)
		delete(m.reports, replica)
		return "loses the report of " + replica
	case 5:
		m.wanted[client]++
		m.looks(client)
		return "writes " + client
	default:
		r := reportOf(replica, m.random.IntN(6), 1)
		for i := range 4 {
			if m.random.IntN(6) == 0 {
				r.Documents.Refused = append(r.Documents.Refused, v1alpha1.RefusedDocument{Object: objectOf(serving.KindClient, fmt.Sprintf("client-%d", i)), Message: "it is damaged"})
			}
		}
		m.reports[replica] = r
		m.sawReport(replica, r)
		return "reports of " + replica
	}
}

// looks is what the reconciler of a client does.
func (m *model) looks(name string) {
	s, _ := m.Wait(serving.KindClient, named1(name), clientNeed(name, m.wanted[name]))
	switch {
	case s.Served():
		m.known[name] = "served"
	case s.Live == 0:
		m.known[name] = "none"
	case len(s.Refused) > 0:
		var by []string
		for _, r := range s.Refused {
			by = append(by, r.Replica)
		}
		m.known[name] = fmt.Sprint("refused by ", by)
	default:
		m.known[name] = "behind"
	}
}

// forgotten says whether a client was not called although it should know something else. One that is served stays so while a replica catches up,
// and for the time of Gap without one.
func (m *model) forgotten(name string) bool {
	truth := m.truth(name)
	if m.known[name] != "served" {
		return m.known[name] != truth
	}
	return truth != "served" && truth != "behind" && !(truth == "none" && m.Standing(nil).Gap)
}

func TestNobodyWhoWaitsIsForgotten(t *testing.T) {
	reached := map[string]int{}
	for seed := range uint64(300) {
		m := newModel(t, seed)
		var history []string
		for range 120 {
			history = append(history, m.happens())
			called := m.clients.take()
			for _, name := range called {
				if _, exists := m.wanted[name]; exists {
					m.looks(name)
				}
			}
			// Looking calls nobody: else it would never end.
			if again := m.clients.take(); len(again) > 0 {
				t.Fatalf("seed %d: looking has called %q after %q", seed, again, history)
			}
			for name := range m.wanted {
				reached[m.truth(name)]++
				if m.forgotten(name) {
					t.Fatalf("seed %d: %s knows %q, but it is %q; called were %q after %q", seed, name, m.known[name], m.truth(name), called, history[max(0, len(history)-12):])
				}
			}
		}
	}
	for _, class := range []string{"served", "behind", "none", "refused by [a]"} {
		if reached[class] < 1000 {
			t.Errorf("%q was put to the test only %d times", class, reached[class])
		}
	}
}

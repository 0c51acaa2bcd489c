package replicas

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"k8s.io/utils/ptr"
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
	back    time.Time                          // when the API server was last back
	last    time.Time                          // when a replica was last live
	lived   map[string]bool                    // who was live when it was last looked
	gone    map[string]time.Time               // since when a replica is not live of which there is or was something
	wanted  map[string]int                     // the version that each client waits for
	known   map[string]string                  // what each client knows
}

var replicaNames = []string{"a", "b", "c"}

func newModel(t *testing.T, seed uint64) *model {
	t.Helper()
	m := &model{
		world: &world{time: began}, back: began, last: began,
		random: rand.New(rand.NewPCG(seed, 0)),
		ends:   map[string]time.Time{}, reports: map[string]*v1alpha1.ReplicaReport{}, lived: map[string]bool{}, gone: map[string]time.Time{},
		wanted: map[string]int{}, known: map[string]string{},
	}
	m.make(func() time.Time { return m.time }, "payments")
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
		if !m.isLive(replica) {
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
		listed, last := r.Documents.Refused, ""
		isRefused := false
		for _, d := range listed {
			last = d.Object
			isRefused = isRefused || d.Object == objectOf(serving.KindClient, name)
		}
		if isRefused || int(*r.Documents.RefusedCount) > len(listed) && objectOf(serving.KindClient, name) > last {
			refused = append(refused, replica)
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

func (m *model) isLive(replica string) bool { return m.time.Before(m.ends[replica]) }

// undelivered answers what is known of the gateway that is being deleted, recomputed from nothing but since when replicas are gone.
func (m *model) undelivered() (total int64, known bool) {
	type count struct {
		most   int64
		counts bool // a live replica has counted it
	}
	stores := map[string]*count{}
	anyLive, gap := false, false
	known = true
	for _, replica := range replicaNames {
		r := m.reports[replica]
		said := r != nil && r.Draining != nil
		since, gone := m.gone[replica]
		gap = gap || gone && m.time.Sub(since) < 2*time.Minute
		if !m.isLive(replica) {
			continue
		}
		anyLive = true
		known = known && said
		if said {
			store := stores[storeNamed(r)]
			if store == nil {
				store = &count{counts: true}
				stores[storeNamed(r)] = store
			}
			store.most = max(store.most, *r.Draining[0].Undelivered)
		}
	}
	for _, replica := range replicaNames {
		r := m.reports[replica]
		since, gone := m.gone[replica]
		if r == nil || r.Draining == nil || *r.Draining[0].Undelivered == 0 || m.isLive(replica) || anyLive && gone && m.time.Sub(since) >= time.Hour {
			continue
		}
		store := stores[storeNamed(r)]
		if store == nil {
			store = &count{}
			stores[storeNamed(r)] = store
		}
		if !store.counts {
			known = false
			store.most = max(store.most, *r.Draining[0].Undelivered)
		}
	}
	for _, store := range stores {
		total += store.most
	}
	return total, known && anyLive && !gap
}

// storeNamed answers where a replica keeps its notifications.
func storeNamed(r *v1alpha1.ReplicaReport) string {
	if r.StoreID != "" {
		return r.StoreID
	}
	return "only " + r.Replica
}

// mayBeOver says whether it may be said that there is no replica any more: after two minutes without one, the API server having answered for half a minute.
func (m *model) mayBeOver() bool {
	return m.server.away == nil && m.time.Sub(m.last) >= 2*time.Minute && m.time.Sub(m.back) >= 30*time.Second
}

// notes takes up since when replicas are gone. Nothing is remembered of one that has left nothing after two minutes. When the first one
// is heard of again, all others count from then.
func (m *model) notes() {
	heard, hears := false, false
	for _, replica := range replicaNames {
		heard, hears = heard || m.lived[replica], hears || m.isLive(replica)
	}
	for _, replica := range replicaNames {
		_, lease := m.ends[replica]
		since, gone := m.gone[replica]
		switch something := lease || m.reports[replica] != nil; {
		case m.isLive(replica):
			m.last = m.time
			delete(m.gone, replica)
		case !gone && (something || m.lived[replica]):
			m.gone[replica] = m.time
		case gone && !something && m.time.Sub(since) >= 2*time.Minute:
			delete(m.gone, replica)
		}
		m.lived[replica] = m.isLive(replica)
		if _, gone := m.gone[replica]; gone && hears && !heard {
			m.gone[replica] = m.time
		}
	}
}

// happens does one thing at random and answers what.
func (m *model) happens() string {
	replica := replicaNames[m.random.IntN(len(replicaNames))]
	client := fmt.Sprintf("client-%d", m.random.IntN(4))
	switch m.random.IntN(9) {
	case 0, 1:
		// One in eight wants to be live for years.
		seconds, holds := int32(30), 30*time.Second
		if m.random.IntN(8) == 0 {
			seconds, holds = math.MaxInt32, 2*time.Minute
		}
		m.renews(replica, m.time.Add(time.Duration(m.random.IntN(1000))), seconds)
		m.ends[replica] = m.time.Add(holds)
		return "renews " + replica
	case 2:
		m.stops(replica)
		delete(m.ends, replica)
		return "stops " + replica
	case 3:
		d := time.Duration(1+m.random.IntN(50)) * time.Second
		if m.random.IntN(30) == 0 {
			d += time.Hour
		}
		for range 1 + m.random.IntN(3) { // else the API server is asked once, and its silence says nothing yet
			m.time = m.time.Add(d)
			m.look(context.Background())
			m.notes()
		}
		return "waits some times " + d.String()
	case 8:
		if m.server.away != nil {
			m.back = m.time
		}
		m.server.away = nil
		if m.random.IntN(3) == 0 {
			m.server.away = errAway
		}
		return fmt.Sprint("the API server is away: ", m.server.away)
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
		r.Documents.RefusedCount = ptr.To(int32(len(r.Documents.Refused) + max(0, m.random.IntN(6)-4)))
		if count := m.random.Int64N(16); count < 15 {
			r.Draining = drains(replica, "acme", "one", ptr.To(max(0, count-10))).Draining
		}
		r.StoreID = []string{"", "shared", "shared", "other"}[m.random.IntN(4)]
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
	return truth != "served" && truth != "behind" && (truth != "none" || !m.Standing(nil).Gap)
}

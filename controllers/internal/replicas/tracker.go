// Package replicas knows what the replicas of the webhook-server say of themselves: which serving documents they serve, when credentials were
// last used, and how many notifications wait for gateways that are being deleted. The source is their ReplicaReports and Leases in
// the system namespace.
package replicas

import (
	"maps"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Gap is for how long what was served counts as served after the last replica has gone. A server that is replaced by its successor
// is away for some seconds.
const Gap = 2 * time.Minute

// Tracker keeps the newest reports. Reconcilers ask it and are called again when an answer changes.
type Tracker struct {
	now func() time.Time

	mu       sync.Mutex
	reports  map[string]report    // by name of the report
	pulses   map[string]pulse     // by name of the replica
	silent   map[string]time.Time // since when a replica with reports was not live, by its name
	lastLive time.Time
	gapTold  bool            // that the Gap is over was told
	live     map[string]bool // the replicas that were live when it was last looked
	waiting  map[resource]waiter
	queues   queues
	rearm    chan struct{} // buffered by one: when to look next may have changed
	synced   []toolscache.InformerSynced
}

// report is a ReplicaReport with its uses by document.
type report struct {
	*v1alpha1.ReplicaReport
	uses map[string][]v1alpha1.CredentialUse
}

// resource is one MerchantGateway or OAuthClient, by the kind of its main document.
type resource struct {
	kind serving.Kind
	key  types.NamespacedName
}

// NewTracker answers one that knows of no replica. now is the real time, also where the operator's own clock is moved: Leases are renewed
// by other processes.
func NewTracker(now func() time.Time) *Tracker {
	return &Tracker{
		now:      now,
		reports:  map[string]report{},
		pulses:   map[string]pulse{},
		silent:   map[string]time.Time{},
		lastLive: now(),
		live:     map[string]bool{},
		waiting:  map[resource]waiter{},
		queues:   queues{},
		rearm:    make(chan struct{}, 1),
	}
}

// Standing answers what the live replicas say of the documents.
func (t *Tracker) Standing(needs []Need) Standing {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.standing(needs)
}

func (t *Tracker) standing(needs []Need) Standing {
	s := judge(t.liveDocuments(), needs)
	s.Gap = s.Live == 0 && t.now().Before(t.lastLive.Add(Gap))
	return s
}

// liveDocuments answers what each live replica says that it serves, nil for one that has not said anything.
func (t *Tracker) liveDocuments() map[string]*v1alpha1.ServedDocuments {
	documents := map[string]*v1alpha1.ServedDocuments{}
	for name := range t.live {
		documents[name] = nil
		if r, ok := t.reports[name]; ok {
			documents[name] = r.Documents
		}
	}
	return documents
}

// Live answers how many replicas are live.
func (t *Tracker) Live() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.live)
}

// Uses says when the credentials of a document were last used, by id, as any replica has reported it, those included that are gone. It is nil
// when no replica is live: then nobody can say that a credential is not in use.
func (t *Tracker) Uses(document string) map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.live) == 0 {
		return nil
	}
	uses := map[string]time.Time{}
	for _, r := range t.reports {
		for _, use := range r.uses[document] {
			if use.LastUsedTime.After(uses[use.ID]) {
				uses[use.ID] = use.LastUsedTime.Time
			}
		}
	}
	return uses
}

// Undelivered says how many notifications wait for a gateway that is being deleted, and whether every live replica has said so. Replicas that
// share a database say the same, so the highest number counts. While none is live it is what those have said that are gone.
func (t *Tracker) Undelivered(gateway types.NamespacedName, uid types.UID) (most int64, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.live) == 0 {
		for _, r := range t.reports {
			count, _ := undelivered(r.ReplicaReport, gateway, uid)
			most = max(most, count)
		}
		return most, false
	}
	known = true
	for name := range t.live {
		count, said := undelivered(t.reports[name].ReplicaReport, gateway, uid)
		known = known && said
		most = max(most, count)
	}
	return most, known
}

func undelivered(r *v1alpha1.ReplicaReport, gateway types.NamespacedName, uid types.UID) (int64, bool) {
	if r == nil {
		return 0, false
	}
	for _, d := range r.Draining {
		if d.Namespace == gateway.Namespace && d.Name == gateway.Name && d.UID == string(uid) && d.Undelivered != nil {
			return *d.Undelivered, true
		}
	}
	return 0, false
}

// sawReport takes up a report; nil says that it is gone.
func (t *Tracker) sawReport(name string, now *v1alpha1.ReplicaReport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.reports[name].ReplicaReport
	delete(t.reports, name)
	if now != nil {
		t.reports[name] = index(now)
	}
	t.queues.add(concerned(before, now)...)
	t.settle()
}

func index(r *v1alpha1.ReplicaReport) report {
	indexed := report{r, map[string][]v1alpha1.CredentialUse{}}
	for _, use := range r.Uses {
		indexed.uses[use.Document] = append(indexed.uses[use.Document], use)
	}
	return indexed
}

// sawLease takes up a Lease; nil says that it is gone.
func (t *Tracker) sawLease(name string, lease *coordinationv1.Lease) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if lease == nil {
		delete(t.pulses, name)
	} else {
		t.pulses[name] = t.pulses[name].next(lease, t.now())
	}
	t.settle()
	select {
	case t.rearm <- struct{}{}:
	default:
	}
}

// settle looks who is live, and calls those who wait and to whom there is something to say.
func (t *Tracker) settle() {
	now := t.now()
	if len(t.live) > 0 {
		t.lastLive = now
	}
	t.lookWhoLives(now)
	if len(t.live) > 0 {
		t.lastLive, t.gapTold = now, false
	}
	documents := t.liveDocuments()
	for r, w := range t.waiting {
		s := judge(documents, w.needs)
		if !w.over(s, now) {
			continue
		}
		t.queues.add(r)
		t.waiting[r] = w.learn(s, now)
		if s.Served() {
			delete(t.waiting, r)
		}
	}
}

// lookWhoLives calls those whose documents a replica refuses that has come to life: its report may be older than its Lease.
func (t *Tracker) lookWhoLives(now time.Time) {
	for name, p := range t.pulses {
		if !p.beats(now) {
			continue
		}
		if !t.live[name] {
			t.queues.add(concerned(nil, t.reports[name].ReplicaReport)...)
		}
		t.live[name] = true
		delete(t.silent, name)
	}
	maps.DeleteFunc(t.live, func(name string, _ bool) bool { return !t.pulses[name].beats(now) })
}

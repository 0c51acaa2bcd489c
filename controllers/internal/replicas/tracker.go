// Package replicas knows what the replicas of the webhook-server say of themselves: which serving documents they serve, when credentials were
// last used, and how many notifications wait for gateways that are being deleted. The source is their ReplicaReports and Leases in
// the system namespace.
package replicas

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Tracker keeps the newest reports. Reconcilers ask it and are called again when an answer changes.
type Tracker struct {
	now        func() time.Time
	leases     Leases
	namespaces []string
	logger     logr.Logger

	mu      sync.Mutex
	reports map[string]report    // by name of the report
	pulses  map[string]pulse     // by name of the replica
	silent  map[string]time.Time // since when a replica that is known of is not live, by its name
	live    map[string]bool      // the replicas that were live when it was last looked
	gap     gap
	waiting map[resource]waiter
	queues  queues
	rearm   chan struct{} // buffered by one: when to look next may have changed
	synced  []toolscache.InformerSynced
}

// Options are what a tracker is made of. All fields but those marked optional must be set.
type Options struct {
	// Now is the real time, also where the operator's own clock is moved: Leases are renewed by other processes.
	Now func() time.Time
	// Leases reads the Leases of the replicas from the API server and not from a cache.
	Leases Leases
	// Namespaces are those whose resources are called. Optional: none means all.
	Namespaces []string
	// Logger is told when the API server does not answer who is live.
	Logger logr.Logger
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

// NewTracker answers one that knows of no replica.
func NewTracker(options Options) *Tracker {
	return &Tracker{
		now: options.Now, leases: options.Leases, namespaces: options.Namespaces, logger: options.Logger,
		reports: map[string]report{},
		pulses:  map[string]pulse{},
		silent:  map[string]time.Time{},
		live:    map[string]bool{},
		gap:     gap{lastLive: options.Now()},
		waiting: map[resource]waiter{},
		queues:  queues{},
		rearm:   make(chan struct{}, 1),
	}
}

// sawReport takes up a report; nil says that it is gone. One whose name is not that of a report of its replica counts for nothing: it was not written
// by a server.
func (t *Tracker) sawReport(name string, now *v1alpha1.ReplicaReport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.reports[name].ReplicaReport
	delete(t.reports, name)
	if now != nil && !isOf(name, now.Replica) {
		now = nil
	}
	if now != nil {
		t.reports[name] = index(now)
	}
	t.tell(before, now)
	t.settle()
}

// isOf says whether a report of this name is one of the replica: its own name, or one of those over which it spreads its uses.
func isOf(report, replica string) bool {
	number, further := strings.CutPrefix(report, replica+".uses-")
	return report == replica || further && number != "" && strings.Trim(number, "0123456789") == ""
}

// tell calls those about whom two reports of one name say different things.
func (t *Tracker) tell(before, now *v1alpha1.ReplicaReport) {
	t.queues.add(concerned(before, now)...)
	if former, unlisted := unlistedBy(before), unlistedBy(now); unlisted != former {
		t.queues.addWhere(func(object string) bool { return unlisted.covers(object) && !former.covers(object) })
	}
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
	t.gap.events++
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
		t.gap.ended(now)
	}
	t.lookWhoLives(now)
	if len(t.live) > 0 {
		t.gap.ended(now)
	}
	t.countSilence(now)
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
	nobody := len(t.live) == 0
	for name, p := range t.pulses {
		if !p.beats(now) {
			continue
		}
		if !t.live[name] {
			t.tell(nil, t.reports[name].ReplicaReport)
		}
		t.live[name] = true
	}
	for name := range t.live {
		if !t.pulses[name].beats(now) {
			delete(t.live, name)
			t.silent[name] = now
		}
	}
	if nobody && len(t.live) > 0 {
		// The first one of whom is heard again after an outage of the API server says nothing of how long the others were really silent.
		for name := range t.silent {
			t.silent[name] = now
		}
	}
}

// countSilence begins to count for replicas that are found not live, and ends it for those that live or of which nothing is left. Who was live a
// moment ago and has left nothing, not even a report, stays counted for the time of Gap: it may have taken notifications.
func (t *Tracker) countSilence(now time.Time) {
	left := map[string]bool{}
	for name := range t.pulses {
		left[name] = true
	}
	for _, r := range t.reports {
		left[r.Replica] = true
	}
	for name := range left {
		if _, counted := t.silent[name]; !counted && !t.live[name] {
			t.silent[name] = now
		}
	}
	maps.DeleteFunc(t.silent, func(name string, since time.Time) bool {
		return t.live[name] || !left[name] && !now.Before(since.Add(Gap))
	})
}

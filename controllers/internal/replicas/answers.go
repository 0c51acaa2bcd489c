package replicas

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Standing answers what the live replicas say of the documents.
func (t *Tracker) Standing(needs []Need) Standing {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.standing(needs)
}

func (t *Tracker) standing(needs []Need) Standing {
	s := judge(t.liveDocuments(), needs)
	s.Gap = s.Live == 0 && !t.gap.told
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

// Undelivered says how many notifications wait for a gateway that is being deleted, as far as any replica has told, and whether that is what every
// replica counts now. Replicas that share a store count the same notifications, so of each store the highest number of a live replica counts, and stores
// are added up. A replica that names no store has one of its own. Nothing is known for the time of Gap after a replica has gone: it may have taken
// notifications that nobody has counted yet.
//
// A store without a live replica keeps what was counted in it last. That is forgotten after an hour, the time of keep, when a replica of another store
// is live: nobody will deliver it.
func (t *Tracker) Undelivered(gateway types.NamespacedName, uid types.UID) (total int64, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	known = len(t.live) > 0
	counted := map[string]int64{}
	for name := range t.live {
		r := t.reports[name].ReplicaReport
		count, said := undelivered(r, gateway, uid)
		if known = known && said; said {
			counted[storeOf(r)] = max(counted[storeOf(r)], count)
		}
	}
	for _, since := range t.silent {
		known = known && !now.Before(since.Add(Gap))
	}
	left := map[string]int64{}
	for _, r := range t.reports {
		count, _ := undelivered(r.ReplicaReport, gateway, uid)
		_, isCounted := counted[storeOf(r.ReplicaReport)]
		if count > 0 && !isCounted && !t.forgotten(r.Replica, now) {
			known = false
			left[storeOf(r.ReplicaReport)] = max(left[storeOf(r.ReplicaReport)], count)
		}
	}
	return sum(counted) + sum(left), known
}

// storeOf names the store of a replica.
func storeOf(r *v1alpha1.ReplicaReport) string {
	if r.StoreID == "" {
		return "of the replica " + r.Replica
	}
	return "store " + r.StoreID
}

func sum(counts map[string]int64) int64 {
	var total int64
	for _, count := range counts {
		total += count
	}
	return total
}

// forgotten says whether what a replica has left undelivered does not count any more.
func (t *Tracker) forgotten(replica string, now time.Time) bool {
	return len(t.live) > 0 && t.isLongGone(replica, now)
}

// isLongGone says whether a replica has not been live for the time of keep.
func (t *Tracker) isLongGone(replica string, now time.Time) bool {
	since, silent := t.silent[replica]
	return silent && !now.Before(since.Add(keep))
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

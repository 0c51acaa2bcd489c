package replicas

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/d1gateway/d1gateway/api/serving"
)

// waiter is what a resource waits for.
type waiter struct {
	needs []Need
	since time.Time
	told  Standing // what it knows
}

// Wait answers the standing of the documents of a resource and, when not all live replicas serve them, has the resource called when there is something
// else to say, and answers since when it waits. Waiting for other versions than before begins anew, and so does waiting for replicas when there
// was none. Question and registration are one step: no report comes between them.
func (t *Tracker) Wait(kind serving.Kind, key types.NamespacedName, needs []Need) (Standing, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := resource{kind, key}
	standing := t.standing(needs)
	if standing.Served() {
		delete(t.waiting, r)
		return standing, time.Time{}
	}
	w, waits := t.waiting[r]
	if !waits || !slices.Equal(w.needs, needs) {
		w = waiter{needs: needs, since: t.now()}
	}
	w = w.learn(standing, t.now())
	t.waiting[r] = w
	return standing, w.since
}

// learn answers the waiter who knows of the standing.
func (w waiter) learn(s Standing, now time.Time) waiter {
	if w.told.Live == 0 && s.Live > 0 {
		w.since = now
	}
	w.told = s
	return w
}

// over says whether there is something to say to who waits. Which replicas are behind is said when the status is no longer held back for them.
func (w waiter) over(s Standing, now time.Time) bool {
	if s.Served() || (s.Live == 0) != (w.told.Live == 0) || !slices.Equal(s.Refused, w.told.Refused) {
		return true
	}
	held := len(s.Refused) == 0 && now.Before(w.since.Add(patience))
	return !held && !slices.Equal(s.Behind, w.told.Behind)
}

// Leave ends the wait of a resource.
func (t *Tracker) Leave(kind serving.Kind, key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, resource{kind, key})
}

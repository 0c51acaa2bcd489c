package delivery

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// replayStep is how many notifications are made due in one call of the store.
	replayStep = 2000
	// fewSearches is how many searches are made for what is back before one is made for all of it: each may look at everything that waits. What that finds beyond
	// is looked up once more and put off, which is no attempt.
	fewSearches = 8
)

// missing is what had no destination when it was last looked up, so that it can be tried at once when the destination is back.
type missing struct {
	mu    sync.Mutex
	notes map[missingNote]time.Time // and when it was noted last
	busy  map[string]int            // by gateway: the searches that go on for what is back

	// of this snapshot the gateways are known; only follow's goroutine uses these
	looked   *serving.Snapshot
	gateways []string
}

// missingNote names a merchant of a gateway that is not there, and the lane where its notifications wait.
type missingNote struct{ lane, gatewayID, merchantID string }

func (n missingNote) gateway() string {
	gateway, _, _ := splitLane(n.lane)
	return gateway
}

func newMissing() missing {
	return missing{notes: map[missingNote]time.Time{}, busy: map[string]int{}}
}

func (m *missing) note(n store.Notification, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes[missingNote{n.Lane, n.GatewayID, n.MerchantID}] = now
}

// pending answers the notes of the gateways for which no search goes on. It forgets those by which nothing can wait any more.
func (m *missing) pending(now time.Time) []missingNote {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.notes, func(_ missingNote, noted time.Time) bool { return now.Sub(noted) > 2*longestUnknown })
	pending := slices.Collect(maps.Keys(m.notes))
	if len(m.busy) == 0 {
		return pending
	}
	return slices.DeleteFunc(pending, func(n missingNote) bool { return m.busy[n.gateway()] > 0 })
}

// forget drops notes whose destination is back.
func (m *missing) forget(found []missingNote) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, note := range found {
		delete(m.notes, note)
	}
}

// search begins a search for what waits for the gateway; the function that it answers ends it.
func (m *missing) search(gateway string) (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy[gateway]++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.busy[gateway]--; m.busy[gateway] == 0 {
			delete(m.busy, gateway)
		}
	}
}

// findAgain looks which destinations are back, and makes due what waits for them. It does the work elsewhere, for each gateway by itself.
//
// Each process notes what it has found missing itself. For what another one did, or this one before it was started again, it looks at the
// lanes of every gateway that was not there the last time.
func (d *Dispatcher) findAgain() {
	m := &d.missing
	found := slices.DeleteFunc(m.pending(d.now()), func(note missingNote) bool {
		known, _ := d.directory.destination(store.Notification{Lane: note.lane, GatewayID: note.gatewayID, MerchantID: note.merchantID})
		return known == nil
	})
	m.forget(found)
	back := filtersOf(found)
	if d.directory.snapshot() != m.looked {
		snapshot, gateways := d.directory.served()
		of, err := d.waitingOf(gateways, m.gateways)
		if err != nil && d.claiming.Err() == nil {
			d.storeFailed("lanes", err) // the next look finds the same
		}
		if err == nil {
			maps.Copy(back, of)
			m.looked, m.gateways = snapshot, gateways
		}
	}
	if len(back) > fewSearches {
		back = map[string][]store.Filter{"": {{}}}
	}
	for gateway, filters := range back {
		end := m.search(gateway)
		d.running.Go(func() {
			defer end()
			for _, f := range filters {
				f.State, f.Reason = store.Waiting, string(UnknownDestination)
				d.makeDue(f, d.now(), nil)
			}
		})
	}
}

// filtersOf answers, by gateway, what finds that which waits for the notes: merchant by merchant while those are few, else the whole lane or the whole gateway.
func filtersOf(notes []missingNote) map[string][]store.Filter {
	filters := map[string][]store.Filter{}
	for _, note := range notes {
		gateway := note.gateway()
		filters[gateway] = append(filters[gateway], store.Filter{Lane: note.lane, GatewayID: note.gatewayID, MerchantID: note.merchantID})
	}
	for gateway, all := range filters {
		if len(all) > fewSearches {
			filters[gateway] = []store.Filter{covering(all)}
		}
	}
	return filters
}

// covering is the filter of their lane, or of their gateway when they have several.
func covering(all []store.Filter) store.Filter {
	if slices.ContainsFunc(all, func(f store.Filter) bool { return f.Lane != all[0].Lane }) {
		return store.Filter{GatewayID: all[0].GatewayID}
	}
	return store.Filter{Lane: all[0].Lane}
}

// waitingOf answers, by gateway, what finds that which waits in the lanes of gateways that were not there before.
func (d *Dispatcher) waitingOf(gateways, before []string) (map[string][]store.Filter, error) {
	isNew := func(gateway string) bool {
		_, is := slices.BinarySearch(gateways, gateway)
		_, was := slices.BinarySearch(before, gateway)
		return is && !was
	}
	if !slices.ContainsFunc(gateways, isNew) {
		return nil, nil
	}
	all, err := d.store.Lanes(d.claiming)
	if err != nil {
		return nil, err
	}
	found := map[string][]store.Filter{}
	for _, lane := range all {
		gateway, _, _ := splitLane(lane.Lane)
		if lane.Waiting == 0 || !isNew(gateway) {
			continue
		}
		found[gateway] = append(found[gateway], store.Filter{Lane: lane.Lane, GatewayID: gateway[strings.LastIndexByte(gateway, '/')+1:]})
	}
	for gateway, filters := range found {
		if len(filters) > fewSearches {
			found[gateway] = []store.Filter{covering(filters)}
		}
	}
	return found, nil
}

// makeDue makes what matches due, as of that instant, in steps, until all is or enough says so. While the store fails it tries again.
func (d *Dispatcher) makeDue(f store.Filter, at time.Time, enough func() bool) {
	storePause := shortestStorePause
	for d.claiming.Err() == nil && (enough == nil || !enough()) {
		n, err := d.store.Replay(d.claiming, f, at, replayStep)
		if err != nil {
			if d.claiming.Err() == nil {
				d.storeFailed("replay", err)
			}
			d.await(storePause, nil)
			storePause = min(2*storePause, longestStorePause)
			continue
		}
		switch {
		case n > 0 && f.Lane != "":
			d.Wake(f.Lane)
		case n > 0:
			d.Look()
		}
		if n < replayStep {
			return
		}
	}
}

package delivery

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// replayStep is how many notifications are made due in one call of the store.
const replayStep = 2000

// missing is what had no destination when it was last looked up, so that it can be tried at once when the destination is back.
type missing struct {
	mu    sync.Mutex
	notes map[missingNote]time.Time // and when it was noted last
	busy  bool                      // something that was found again is being made due

	// of this snapshot the gateways are known; only follow's goroutine uses these
	looked   *serving.Snapshot
	gateways []string
}

// missingNote names a merchant of a gateway that is not there, and the lane where its notifications wait.
type missingNote struct{ lane, gatewayID, merchantID string }

func (m *missing) note(n store.Notification, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes[missingNote{n.Lane, n.GatewayID, n.MerchantID}] = now
}

// pending answers the notes, none while something is being made due. It forgets those by which nothing can wait any more.
func (m *missing) pending(now time.Time) (notes []missingNote, busy bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy {
		return nil, true
	}
	maps.DeleteFunc(m.notes, func(_ missingNote, noted time.Time) bool { return now.Sub(noted) > 2*longestUnknown })
	return slices.Collect(maps.Keys(m.notes)), false
}

// begin forgets notes whose destination is back; end says that what waited for them is due.
func (m *missing) begin(found []missingNote) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = true
	for _, note := range found {
		delete(m.notes, note)
	}
}

func (m *missing) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = false
}

// findAgain looks which destinations are back, and makes due what waits for them. It does the work elsewhere, and looks for no more while there
// is work left.
//
// Each process notes what it has found missing itself. For what another one did, or this one before it was started again, it looks at the
// lanes of every gateway that was not there the last time.
func (d *Dispatcher) findAgain() {
	m := &d.missing
	notes, busy := m.pending(d.now())
	if busy {
		return
	}
	var back []store.Filter
	found := slices.DeleteFunc(notes, func(note missingNote) bool {
		known, _ := d.directory.destination(store.Notification{Lane: note.lane, GatewayID: note.gatewayID, MerchantID: note.merchantID})
		return known == nil
	})
	for _, note := range found {
		back = append(back, store.Filter{Lane: note.lane, MerchantID: note.merchantID})
	}
	if d.directory.snapshot() != m.looked {
		snapshot, gateways := d.directory.served()
		of, err := d.waitingOf(gateways, m.gateways)
		if err != nil && d.claiming.Err() == nil {
			d.storeFailed("lanes", err) // the next look finds the same
		}
		if err == nil {
			back = append(back, of...)
			m.looked, m.gateways = snapshot, gateways
		}
	}
	if len(back) == 0 {
		return
	}
	m.begin(found)
	d.running.Go(func() {
		defer m.end()
		for _, f := range back {
			f.State, f.Reason = store.Waiting, string(UnknownDestination)
			d.makeDue(f, d.now(), nil)
		}
	})
}

// waitingOf answers the lanes, of gateways that were not there before, in which anything waits.
func (d *Dispatcher) waitingOf(gateways, before []string) ([]store.Filter, error) {
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
	var found []store.Filter
	for _, lane := range all {
		if gateway, _, _ := splitLane(lane.Lane); lane.Waiting > 0 && isNew(gateway) {
			found = append(found, store.Filter{Lane: lane.Lane})
		}
	}
	return found, nil
}

// makeDue makes what matches in a lane due, as of that instant, in steps, until all is or enough says so. While the store fails it tries again.
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
		if n > 0 {
			d.Wake(f.Lane)
		}
		if n < replayStep {
			return
		}
	}
}

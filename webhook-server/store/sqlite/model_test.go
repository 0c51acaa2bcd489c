package sqlite

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// modelled is one notification of the model: a list through which every question is answered by looking at all.
type modelled struct {
	row
	lease, until int64 // while it is claimed
}

func (m *modelled) waits() bool { return m.State == store.Waiting }

// model is the queue as its documentation has it.
type model struct {
	all []*modelled // in order of seq
}

func (m *model) endLeases(now int64) {
	for _, n := range m.all {
		if n.lease != 0 && n.until <= now {
			n.lease = 0
		}
	}
}

// isHeldUp reports that an Ordered one of the same merchant and token waits that was accepted before.
func (m *model) isHeldUp(n *modelled) bool {
	return n.Ordered && slices.ContainsFunc(m.all, func(o *modelled) bool {
		return o.Ordered && o.waits() && o.seq < n.seq && o.Lane == n.Lane && o.MerchantID == n.MerchantID && o.TokenID == n.TokenID
	})
}

func (m *model) claimable(lane string) (found []*modelled) {
	for _, n := range m.all {
		if n.Lane == lane && n.waits() && n.lease == 0 && !m.isHeldUp(n) {
			found = append(found, n)
		}
	}
	return found
}

// due answers what a claim may hand out, the oldest due first.
func (m *model) due(lane string, now int64) []*modelled {
	found := slices.DeleteFunc(m.claimable(lane), func(n *modelled) bool { return n.nextAttempt > now })
	slices.SortFunc(found, func(a, b *modelled) int {
		return cmp.Or(cmp.Compare(a.nextAttempt, b.nextAttempt), cmp.Compare(a.seq, b.seq))
	})
	return found
}

func (m *model) probe(lane string, now int64) *modelled {
	due := m.due(lane, now)
	if len(due) == 0 {
		return nil
	}
	return slices.MinFunc(due[:min(len(due), store.ProbeChoice)], func(a, b *modelled) int {
		return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(b.Attempts, a.Attempts))
	})
}

func (m *model) nextDue(now int64) int64 {
	next := never
	for _, n := range m.all {
		switch {
		case n.lease != 0:
			next = min(next, n.until)
		case n.waits() && n.nextAttempt > now && !m.isHeldUp(n):
			next = min(next, n.nextAttempt)
		}
	}
	return next
}

// mergeable answers the ids of those into which one with the key may be merged.
func (m *model) mergeable(key mergeKey) (ids []string) {
	for _, n := range m.all {
		if n.Merge && n.waits() && n.lease == 0 && n.Attempts == 0 && (mergeKey{n.Lane, tokenOf(&n.Notification), n.UpdateType}) == key {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

func (m *model) stats() (stats []store.LaneStats) {
	for _, lane := range modelLanes {
		s := store.LaneStats{Lane: lane}
		oldest := never
		for _, n := range m.all {
			switch {
			case n.Lane != lane:
			case n.waits():
				s.Waiting++
				oldest = min(oldest, n.received)
			case n.State == store.Dead:
				s.Dead++
			}
		}
		if s.Waiting > 0 {
			s.OldestWaiting = fromMillis(oldest)
		}
		if s.Waiting > 0 || s.Dead > 0 {
			stats = append(stats, s)
		}
	}
	return stats
}

var (
	modelLanes     = []string{"a", "b"}
	modelMerchants = []string{"m", "n"}
	modelTokens    = []string{"1", "2"}
	modelTypes     = []string{"X", "Y"}
)

// run is one walk of the queue and the model beside each other.
type walked struct {
	*testing.T
	*rand.Rand
	queue *queue
	model model
	now   int64
}

func TestTheQueueIsAsItsModel(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := &walked{T: t, Rand: rand.New(rand.NewPCG(seed, 1)), queue: newQueue(1), now: 1000} // #nosec G404 -- the same numbers each time
			for range 600 {
				w.now += w.Int64N(4) - w.Int64N(8)/7 // now and then a clock goes back
				w.step()
				w.compare()
				if t.Failed() {
					return
				}
			}
		})
	}
}

func (w *walked) step() {
	lane := modelLanes[w.IntN(len(modelLanes))]
	switch w.IntN(12) {
	case 0, 1, 2:
		w.enter(lane)
	case 3, 4:
		w.claim(lane)
	case 5:
		w.probe(lane)
	case 6:
		w.release()
	case 7, 8, 9, 10:
		w.record()
	case 11:
		w.replay()
	}
}

func (w *walked) enter(lane string) {
	n := &modelled{}
	n.seq, n.received, n.nextAttempt = int64(len(w.model.all)+1), w.now-w.Int64N(5), w.now
	n.ID, n.Lane, n.UpdateType = fmt.Sprint("msg_", n.seq), lane, modelTypes[w.IntN(2)]
	n.MerchantID, n.TokenID = modelMerchants[w.IntN(2)], modelTokens[w.IntN(2)]
	n.Ordered, n.Merge, n.State = w.IntN(2) == 0, w.IntN(2) == 0, store.Waiting
	w.model.all = append(w.model.all, n)
	w.queue.enter(lane, n.waiting(), n.keyed())
}

func (w *walked) claim(lane string) {
	limit, until := 1+w.IntN(3), w.now+1+w.Int64N(20)
	w.model.endLeases(w.now)
	due := w.model.due(lane, w.now)
	// What one call hands out holds up what comes after it, and nothing that is claimed frees another: the first of them stay the same.
	want := due[:min(limit, len(due))]
	got := w.queue.claim(lane, w.now, until, limit)
	if len(got) != len(want) {
		w.Fatalf("claimed %d, want %d", len(got), len(want))
	}
	for i, c := range got {
		w.held(c, want[i], until)
	}
}

func (w *walked) held(c *claim, want *modelled, until int64) {
	if c.seq() != want.seq {
		w.Fatalf("claimed %d, want %d", c.seq(), want.seq)
	}
	w.queue.know(c, &want.row)
	want.lease, want.until = c.lease, until
}

func (w *walked) probe(lane string) {
	until := w.now + 1 + w.Int64N(20)
	w.model.endLeases(w.now)
	want, got := w.model.probe(lane, w.now), w.queue.probe(lane, w.now, until)
	if (want == nil) != (got == nil) {
		w.Fatalf("the probe is %v, want %v", got, want)
	}
	if got != nil && (got.received != want.received || got.attempts() != int64(want.Attempts)) {
		w.Fatalf("the probe was received at %d and has %d attempts, want %d and %d", got.received, got.attempts(), want.received, want.Attempts)
	}
	if got != nil {
		w.held(got, w.model.all[got.seq()-1], until)
	}
}

// any answers one that is claimed, or nil.
func (w *walked) anyClaimed() *modelled {
	claimed := slices.DeleteFunc(slices.Clone(w.model.all), func(n *modelled) bool { return n.lease == 0 })
	if len(claimed) == 0 {
		return nil
	}
	return claimed[w.IntN(len(claimed))]
}

func (w *walked) release() {
	n := w.anyClaimed()
	if n == nil {
		return
	}
	if err := w.queue.release(n.ID, n.lease); err != nil {
		w.Fatalf("releasing: %v", err)
	}
	n.lease = 0
}

func (w *walked) record() {
	n := w.anyClaimed()
	if n == nil {
		return
	}
	w.model.endLeases(w.now)
	c, err := w.queue.startRecording(n.ID, n.lease, w.now)
	if (err == nil) != (n.lease != 0) {
		w.Fatalf("recording %s: %v", n.ID, err)
	}
	if err != nil {
		return
	}
	state := []store.State{store.Waiting, store.Waiting, store.Delivered, store.Dead}[w.IntN(4)]
	if w.IntN(10) == 0 { // the commit fails
		w.queue.notRecorded(c)
		return
	}
	n.State, n.nextAttempt, n.lease, n.lastAttempt = state, w.now+w.Int64N(30), 0, w.now
	if w.IntN(3) > 0 || state != store.Waiting {
		n.Attempts++
	}
	w.queue.recorded(c, state, n.Attempts, n.nextAttempt)
}

// replay has some of what is final or not due yet be due now. Until that is durable others go on claiming.
func (w *walked) replay() {
	at := w.now
	var rows []row
	for _, n := range w.model.all {
		if w.IntN(4) == 0 && (!n.waits() || n.nextAttempt > at) {
			rows = append(rows, n.row)
		}
	}
	rows = w.queue.withoutClaimed(rows)
	for _, r := range rows {
		if w.model.all[r.seq-1].lease != 0 {
			w.Fatalf("%s is claimed and would be replayed", r.ID)
		}
	}
	w.now += w.Int64N(10)
	w.claim(modelLanes[w.IntN(len(modelLanes))])
	for _, r := range rows {
		n := w.model.all[r.seq-1]
		if !n.waits() {
			n.State, n.Attempts, n.replayed = store.Waiting, 0, at
		}
		n.nextAttempt = at
	}
	w.queue.replayed(rows, at)
}

func (w *walked) compare() {
	w.model.endLeases(w.now)
	var due []string
	for _, lane := range modelLanes {
		if len(w.model.due(lane, w.now)) > 0 {
			due = append(due, lane)
		}
	}
	if got := w.queue.dueLanes(w.now); !slices.Equal(got, due) {
		w.Errorf("due lanes %v, want %v", got, due)
	}
	w.compareMerges()
	if got, _ := w.queue.nextDue(w.now); got != w.model.nextDue(w.now) {
		w.Errorf("next due %d, want %d", got, w.model.nextDue(w.now))
	}
	if got, want := w.queue.stats(), w.model.stats(); !slices.Equal(got, want) {
		w.Errorf("lanes %+v, want %+v", got, want)
	}
	keyed := 0
	for _, n := range w.model.all {
		if n.waits() && (n.Ordered || n.Merge) {
			keyed++
		}
	}
	if len(w.queue.keyed) != keyed {
		w.Errorf("%d are remembered as keyed, want %d", len(w.queue.keyed), keyed)
	}
}

func (w *walked) compareMerges() {
	for _, lane := range modelLanes {
		for _, merchantID := range modelMerchants {
			for _, tokenID := range modelTokens {
				for _, updateType := range modelTypes {
					w.compareMerge(mergeKey{lane, token{merchantID, tokenID}, updateType})
				}
			}
		}
	}
}

func (w *walked) compareMerge(key mergeKey) {
	got, want := w.queue.mergeInto(key), w.model.mergeable(key)
	if got == "" && len(want) > 0 || got != "" && !slices.Contains(want, got) {
		w.Errorf("%v is merged into %q, want one of %v", key, got, want)
	}
}

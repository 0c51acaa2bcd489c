package postgres

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// A replay puts earlier ones of a token before those that wait, while others of it end: none may be left behind nobody.
func TestNothingStaysParkedWhileReplicasReplayAndDeliver(t *testing.T) {
	stores := openTwo(t)
	const tokens, each, rounds = 6, 15, 8
	for i := range tokens * each {
		n := store.Notification{ID: fmt.Sprintf("msg_%d", i), TokenID: fmt.Sprintf("tok_%d", i%tokens), ReceivedAt: began(), Lane: "payments/acme/a", Ordered: true}
		if _, err := stores[i%2].Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	var replaying, delivering sync.WaitGroup
	var done atomic.Bool
	var expected, delivered atomic.Int64
	expected.Store(tokens * each)
	for i := range 4 {
		delivering.Go(func() {
			for !t.Failed() {
				last := done.Load() // then what is due now is the rest
				n := deliverSome(t, stores[i%2])
				delivered.Add(int64(n))
				if n == 0 && last && (delivered.Load() == expected.Load() || stuck(t, stores[i%2])) {
					return
				}
			}
		})
	}
	for i := range 2 {
		replaying.Go(func() {
			for round, at := 0, began().Add(2*time.Hour+time.Duration(i)*time.Millisecond); round < rounds && !t.Failed(); at = at.Add(2 * time.Millisecond) {
				n, err := stores[i].Replay(t.Context(), store.Filter{Lane: "payments/acme/a"}, at, 1000)
				if err != nil {
					t.Errorf("replaying: %v", err)
				}
				if expected.Add(int64(n)); n > 0 {
					round++
				}
			}
		})
	}
	replaying.Wait()
	done.Store(true)
	delivering.Wait()
	if waiting, err := stores[0].Count(t.Context(), store.Filter{State: store.Waiting}); err != nil || waiting > 0 {
		t.Errorf("%d still wait, %v", waiting, err)
	}
	if delivered.Load() != expected.Load() {
		t.Errorf("%d delivered, want %d", delivered.Load(), expected.Load())
	}
}

// deliverSome claims and delivers, and says how many.
func deliverSome(t *testing.T, s *Store) int {
	claimed, err := s.Claim(t.Context(), "payments/acme/a", began().Add(24*time.Hour), 3, time.Minute)
	if err != nil {
		t.Errorf("claiming: %v", err)
	}
	for _, d := range claimed {
		if err := s.Record(t.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: began().Add(time.Hour)}); err != nil {
			t.Errorf("recording: %v", err)
		}
	}
	return len(claimed)
}

// stuck reports that rows wait of which each is behind another one.
func stuck(t *testing.T, s *Store) (all bool) {
	err := s.pool.QueryRow(t.Context(), "SELECT coalesce(bool_and(parked), false) FROM notification WHERE state = 0").Scan(&all)
	if err != nil {
		t.Errorf("looking at what waits: %v", err)
	}
	return all
}

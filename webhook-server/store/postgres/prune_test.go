package postgres

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// together calls f for each of the stores, several times at once, until one answers false.
func together(t *testing.T, stores []*Store, f func(s *Store) bool) {
	t.Helper()
	var all sync.WaitGroup
	for range 2 {
		for _, s := range stores {
			all.Go(func() {
				for f(s) && !t.Failed() {
				}
			})
		}
	}
	all.Wait()
}

func TestReplicasThatPruneAtOnceRemoveEachOnceAndTheRunsToo(t *testing.T) {
	stores := openTwo(t)
	s := stores[0]
	all := plantDelivered(t, s, base+1, 3000)
	all = append(all, plantDelivered(t, s, base+2, 2100)...)
	kept := plantDelivered(t, s, base+3, 40)
	var removed atomic.Int64
	together(t, stores, func(s *Store) bool {
		const limit = 130
		n, err := s.Prune(t.Context(), store.Delivered, kept[0].LastAttempt, limit)
		if err != nil {
			t.Errorf("pruning: %v", err)
		}
		removed.Add(int64(n))
		return n == limit
	})
	// whoever found rows locked left them to the other, so at the end one call finds what is left
	n, err := s.Prune(t.Context(), store.Delivered, kept[0].LastAttempt, len(all))
	if err != nil || int(removed.Add(int64(n))) != len(all) {
		t.Errorf("removed %d, %v; want %d", removed.Load(), err, len(all))
	}
	if _, closed := runNumbers(t, s); !slices.Equal(closed, []int64{base + 3}) {
		t.Errorf("runs %v are left", closed)
	}
	if got, err := s.Count(t.Context(), store.Filter{}); err != nil || got != len(kept) {
		t.Errorf("%d are left, %v", got, err)
	}
}

func TestTheNewestAreLeftHoweverManyPruneBeyondThem(t *testing.T) {
	stores := openTwo(t)
	s := stores[0]
	all := append(plantDelivered(t, s, base+1, 1500), plantDelivered(t, s, base+2, 1500)...)
	for _, keep := range []int{runs.Rows * 2, 3000, 2500} {
		var removed atomic.Int64
		together(t, stores, func(s *Store) bool {
			const limit = 90
			n, err := s.PruneBeyond(t.Context(), store.Delivered, keep, limit)
			if err != nil {
				t.Errorf("pruning: %v", err)
			}
			removed.Add(int64(n))
			return n == limit
		})
		n, err := s.PruneBeyond(t.Context(), store.Delivered, keep, len(all))
		if want := max(0, len(all)-keep); err != nil || int(removed.Add(int64(n))) != want {
			t.Errorf("keeping %d: removed %d, %v; want %d", keep, removed.Load(), err, want)
		}
	}
	if _, err := s.Get(t.Context(), all[499].ID); err == nil {
		t.Error("the youngest that is beyond was kept")
	}
	for _, p := range []planted{all[500], all[len(all)-1]} {
		if _, err := s.Get(t.Context(), p.ID); err != nil {
			t.Errorf("getting %s: %v", p.ID, err)
		}
	}
}

// An attempt that ends within the millisecond of the others is as old as they are: the number decides.
func TestOfEqualAgeExactlySoManyAreLeft(t *testing.T) {
	s := openForTest(t)
	records := make([]store.Record, 900)
	for i := range records {
		records[i] = store.Record{Notification: store.Notification{ID: "msg", ReceivedAt: began(), Lane: "l"}, State: store.Dead, LastAttempt: began()}
	}
	plant(t, s, base+1, records)
	if n, err := s.PruneBeyond(t.Context(), store.Dead, runs.Rows, 10_000); err != nil || n != 0 {
		t.Errorf("pruned %d of a table that is too small, %v", n, err)
	}
	plantDelivered(t, s, base+2, runs.Rows)
	if n, err := s.PruneBeyond(t.Context(), store.Dead, 0, 10); err != nil || n != 10 {
		t.Errorf("pruned %d, %v", n, err)
	}
	if n, err := s.PruneBeyond(t.Context(), store.Dead, 333, 10_000); err != nil || n != 900-10-333 {
		t.Errorf("pruned %d, %v", n, err)
	}
	if n, err := s.Prune(t.Context(), store.Dead, began().Add(time.Microsecond), 1000); err != nil || n != 333 {
		t.Errorf("pruned %d, %v", n, err)
	}
}

// An open run is somebody's: it stays, though all of its rows have gone.
func TestAnOpenRunIsNotPruned(t *testing.T) {
	s := openForTest(t)
	plant(t, s, base+1, []store.Record{{Notification: store.Notification{ID: "msg_1", ReceivedAt: began(), Lane: "l"}, State: store.Delivered, LastAttempt: began()}})
	if n, err := s.Prune(t.Context(), store.Delivered, began().Add(time.Second), 10); err != nil || n != 1 {
		t.Fatalf("pruned %d, %v", n, err)
	}
	if open, closed := runNumbers(t, s); !slices.Equal(open, []int64{base + 1}) || len(closed) != 0 {
		t.Errorf("open %v, closed %v", open, closed)
	}
	closeRuns(t, s, base+1)
	if open, closed := runNumbers(t, s); len(open)+len(closed) != 0 {
		t.Errorf("open %v, closed %v after it was closed", open, closed)
	}
}

func TestPruningPassesOverWhatIsLocked(t *testing.T) {
	s := openForTest(t)
	all := plantDelivered(t, s, base+1, 20)
	if err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT FROM notification WHERE seq = $1 FOR UPDATE", all[4].seq); err != nil {
			return err
		}
		n, err := s.Prune(t.Context(), store.Delivered, began().Add(time.Hour), 100)
		if n != len(all)-1 {
			t.Errorf("pruned %d, want all but one of %d", n, len(all))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), all[4].ID); err != nil {
		t.Errorf("what was locked: %v", err)
	}
}

package postgres

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// replayed counts the rows that wait since the instant.
func replayed(t *testing.T, s *Store, at time.Time) (count int) {
	t.Helper()
	err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM notification WHERE state = 0 AND attempts = 0 AND lease = 0 AND replayed_at = $1 AND next_attempt = $1", at.UnixMilli()).Scan(&count)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func TestReplicasThatReplayAtOnceReplayEachOnce(t *testing.T) {
	stores := openTwo(t)
	s := stores[0]
	for number := range int64(3) {
		plantDelivered(t, s, base+number+1, runs.Rows)
	}
	at := began().Add(time.Hour)
	var total atomic.Int64
	together(t, stores, func(s *Store) bool {
		const limit = 1700
		n, err := s.Replay(t.Context(), store.Filter{State: store.Delivered}, at, limit)
		if err != nil {
			t.Errorf("replaying: %v", err)
		}
		total.Add(int64(n))
		return n == limit
	})
	if total.Load() != 3*runs.Rows || replayed(t, s, at) != 3*runs.Rows {
		t.Errorf("%d and %d replayed, want %d", total.Load(), replayed(t, s, at), 3*runs.Rows)
	}
}

func TestTheOldestReceivedAreReplayedFirstWhateverTheirRun(t *testing.T) {
	s := openForTest(t)
	all := plantSeveral(t, s)
	at := began().Add(time.Hour)
	const limit = 6000 // more than one search chooses
	n, err := s.Replay(t.Context(), store.Filter{}, at, limit)
	if err != nil || n != limit {
		t.Fatalf("replayed %d, %v", n, err)
	}
	left := limit
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		if p.State == store.Waiting {
			continue // due already
		}
		var since int64
		if err := s.pool.QueryRow(t.Context(), "SELECT replayed_at FROM notification WHERE seq = $1", p.seq).Scan(&since); err != nil {
			t.Fatal(err)
		}
		if (since != 0) != (left > 0) {
			t.Fatalf("%s, received %s, with %d left to replay: replayed at %d", p.ID, p.ReceivedAt, left, since)
		}
		left = max(0, left-1)
	}
}

func TestWhatIsLockedForAMomentIsReplayedToo(t *testing.T) {
	s := openForTest(t)
	all := plantDelivered(t, s, base+1, 10)
	at := began().Add(time.Hour)
	done := make(chan int)
	if err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT FROM notification WHERE seq = ANY($1) FOR UPDATE", []int64{all[2].seq, all[5].seq}); err != nil {
			return err
		}
		go func() {
			n, err := s.Replay(t.Context(), store.Filter{}, at, 100)
			if err != nil {
				t.Errorf("replaying: %v", err)
			}
			done <- n
		}()
		return awaitLockWaiter(t, s)
	}); err != nil {
		t.Fatal(err)
	}
	if n := <-done; n != len(all) || replayed(t, s, at) != len(all) {
		t.Errorf("%d replayed, want %d", n, len(all))
	}
}

// A row goes one way: it waits again, or it is removed.
func TestWhileReplicasPruneAndReplayEachRowIsDoneOnce(t *testing.T) {
	stores := openTwo(t)
	s := stores[0]
	const many = 4000
	plantDelivered(t, s, base+1, many)
	at := began().Add(time.Hour)
	var replays, prunes atomic.Int64
	work := func(s *Store, f func(s *Store) (int, error), count *atomic.Int64) {
		const step = 100
		for n := step; n == step && !t.Failed(); {
			var err error
			if n, err = f(s); err != nil {
				t.Error(err)
			}
			count.Add(int64(n))
		}
	}
	var all sync.WaitGroup
	for _, s := range stores {
		all.Go(func() {
			work(s, func(s *Store) (int, error) { return s.Replay(t.Context(), store.Filter{}, at, 100) }, &replays)
		})
		all.Go(func() {
			work(s, func(s *Store) (int, error) { return s.Prune(t.Context(), store.Delivered, at, 100) }, &prunes)
		})
	}
	all.Wait()
	left, err := s.Prune(t.Context(), store.Delivered, at, many) // what the others had locked when they looked
	if err != nil || replays.Load()+prunes.Load()+int64(left) != many || replayed(t, s, at) != int(replays.Load()) {
		t.Errorf("%d replayed, %d pruned, %d left, %v; %d wait", replays.Load(), prunes.Load(), left, err, replayed(t, s, at))
	}
	if got, err := s.Count(t.Context(), store.Filter{}); err != nil || got != int(replays.Load()) {
		t.Errorf("%d are left, %v; want %d", got, err, replays.Load())
	}
}

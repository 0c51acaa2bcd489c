package postgres

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// runNumbers answers the open and the closed runs that tests have planted.
func runNumbers(t *testing.T, s *Store) (open, closed []int64) {
	t.Helper()
	for _, table := range []struct {
		name    string
		numbers *[]int64
	}{{"open_run", &open}, {"run", &closed}} {
		rows, err := s.pool.Query(t.Context(), "SELECT number FROM "+table.name+" WHERE number >= $1 ORDER BY number", base)
		if err != nil {
			t.Fatal(err)
		}
		if *table.numbers, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			t.Fatal(err)
		}
	}
	return open, closed
}

func TestARunIsClosedOnceHoweverManyTry(t *testing.T) {
	s := openForTest(t)
	plantDelivered(t, s, base+1, 50)
	plant(t, s, base+2, []store.Record{{Notification: store.Notification{ID: "msg_a", ReceivedAt: began(), Lane: "l"}, State: store.Waiting}})
	plant(t, s, base+3, nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for number := range int64(5) { // 0 and 4 never were, 1 is closed
				if err := s.closeRun(t.Context(), base+number); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if open, closed := runNumbers(t, s); len(open) != 0 || len(closed) != 2 {
		t.Errorf("open %v, closed %v; the one without rows needs no blob", open, closed)
	}
}

// An insert and the close of its run meet when a replica that was taken for gone goes on.
func TestWhatIsInsertedWhileARunIsClosedIsFound(t *testing.T) {
	s := openForTest(t)
	plant(t, s, 1009, nil)
	insert := func(tx pgx.Tx) error {
		var c columns
		c.reset()
		c.add(&appending{Notification: due("msg_late", "l"), lane: laneID("l")})
		_, err := c.insert(t.Context(), tx.Conn(), &openRun{number: 1009})
		return err
	}
	enterLane(t, s, "l")
	done := make(chan error)
	if err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		if err := insert(tx); err != nil {
			return err
		}
		go func() { done <- s.closeRun(t.Context(), 1009) }()
		return awaitLockWaiter(t, s)
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if open, closed := runNumbers(t, s); len(open) != 0 || len(closed) != 1 {
		t.Errorf("open %v, closed %v", open, closed)
	}
	if _, err := s.Get(t.Context(), "msg_late"); err != nil {
		t.Errorf("what was inserted meanwhile: %v", err)
	}
	if err := pgx.BeginFunc(t.Context(), s.pool, insert); err != nil {
		t.Errorf("inserting after that: %v", err) // it inserts nothing: the primary key would say so
	}
}

// awaitLockWaiter waits until somebody waits for a lock in the database, for a minute at most.
func awaitLockWaiter(t *testing.T, s *Store) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		var waiting bool
		if err := s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&waiting); err != nil || waiting {
			return err
		}
	}
}

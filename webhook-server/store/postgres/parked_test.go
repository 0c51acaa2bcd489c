package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// tokenRace has many workers of two stores deliver, fail, release and replay the ordered notifications of a few tokens at once. Its clock goes on by a millisecond a look.
type tokenRace struct {
	*testing.T
	stores []*Store
	clock  atomic.Int64
	left   atomic.Int64 // not delivered yet
}

const raceLane = "payments/acme/race"

func (r *tokenRace) now() time.Time {
	return began().Add(time.Duration(r.clock.Add(1)) * time.Millisecond)
}

// work claims some and ends each claim in one way or another, until all are delivered.
func (r *tokenRace) work(ctx context.Context, s *Store, random *rand.Rand) {
	for r.left.Load() > 0 && ctx.Err() == nil && !r.Failed() {
		claimed, err := s.Claim(ctx, raceLane, r.now(), 1+random.IntN(4), time.Hour)
		if err != nil {
			r.Errorf("claiming: %v", err)
		}
		for _, d := range claimed {
			r.end(s, d, random.IntN(10))
		}
	}
}

func (r *tokenRace) end(s *Store, d store.Delivery, dice int) {
	at := r.now()
	o := store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: at}
	switch {
	case dice == 0:
		if err := s.Release(r.Context(), d.ID, d.Lease); err != nil {
			r.Errorf("releasing: %v", err)
		}
		return
	case dice <= 2:
		o.State, o.Reason, o.NextAttempt = store.Waiting, "timeout", at.Add(time.Millisecond)
	case dice <= 5 && d.Attempts == 0 && d.Since.Equal(d.ReceivedAt): // dead once at most, then replayed: an earlier one comes back while later ones are under way
		o.State, o.Reason = store.Dead, "gone"
	}
	if err := s.Record(r.Context(), o); err != nil {
		r.Errorf("recording: %v", err)
	}
	switch o.State {
	case store.Delivered:
		r.left.Add(-1)
	case store.Dead:
		if n, err := s.Replay(r.Context(), store.Filter{ID: d.ID}, r.now(), 1); n != 1 || err != nil {
			r.Errorf("replayed %d, %v", n, err)
		}
	case store.Waiting:
	}
}

func TestNoOrderedNotificationStaysParked(t *testing.T) {
	const tokens, each, workers = 3, 50, 12
	r := &tokenRace{T: t, stores: openTwo(t)}
	r.left.Store(tokens * each)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			for j := range each {
				n := store.Notification{ID: fmt.Sprintf("msg_%d_%03d", i, j), TokenID: fmt.Sprint("tok_", i), Lane: raceLane, ReceivedAt: began(), Ordered: true}
				if _, err := r.stores[j%2].Append(t.Context(), n); err != nil {
					t.Errorf("appending: %v", err)
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range workers {
		all.Go(func() { r.work(ctx, r.stores[i%2], rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	all.Wait()
	if r.left.Load() > 0 {
		t.Errorf("%d are never handed out; parked without one before them:\n%v", r.left.Load(), neverTakenOut(t, r.stores[0]))
	}
}

// neverTakenOut names the parked rows that nothing will take out: none waits before them that is not parked.
func neverTakenOut(t *testing.T, s *Store) (ids []string) {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), `SELECT p.id FROM notification p WHERE p.parked AND p.state = 0 AND NOT EXISTS (SELECT FROM notification e
		WHERE e.lane = p.lane AND e.merchant_id = p.merchant_id AND e.token_id = p.token_id AND e.ordered AND e.state = 0 AND NOT e.parked AND (e.accepted_at, e.seq) < (p.accepted_at, p.seq))`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// A claim must not park behind a row that is being finished: nobody would take it out again.
func TestNothingIsParkedBehindOneThatIsBeingFinished(t *testing.T) {
	s := openForTest(t)
	for i := range 2 {
		n := store.Notification{ID: fmt.Sprint("msg_", i), TokenID: "tok", Lane: raceLane, ReceivedAt: began(), Ordered: true}
		if _, err := s.Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "UPDATE notification SET state = 1 WHERE id = 'msg_0'"); err != nil {
		t.Fatal(err)
	}
	if claimed, err := s.Claim(t.Context(), raceLane, began(), 10, time.Minute); err != nil || len(claimed) != 0 {
		t.Fatalf("claimed %v, %v", claimed, err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if claimed, err := s.Claim(t.Context(), raceLane, began(), 10, time.Minute); err != nil || len(claimed) != 1 || claimed[0].ID != "msg_1" {
		t.Errorf("claimed %v, %v", claimed, err)
	}
}

// Two rows before a parked one may be finished by two transactions of which neither sees the other: the parked one must come out all the same.
func TestTwoThatAreFinishedAtOnceTakeTheNextOut(t *testing.T) {
	s := openForTest(t)
	for i := range 3 {
		n := store.Notification{ID: fmt.Sprint("msg_", i), TokenID: "tok", Lane: raceLane, ReceivedAt: began(), Ordered: true}
		if _, err := s.Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.pool.Exec(t.Context(), "UPDATE notification SET parked = true WHERE id = 'msg_2'"); err != nil {
		t.Fatal(err)
	}
	lane := laneID(raceLane)
	var finishing [2]pgx.Tx
	for i := range finishing {
		tx, err := s.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "UPDATE notification SET state = 1 WHERE id = $1", fmt.Sprint("msg_", i)); err != nil {
			t.Fatal(err)
		}
		finishing[i] = tx
	}
	var all sync.WaitGroup
	for _, tx := range finishing {
		looked := make(chan struct{}, 1)
		all.Go(func() {
			if _, err := tx.Exec(t.Context(), unparkText, []int64{lane}, []string{""}, []string{"tok"}); err != nil {
				t.Errorf("taking out: %v", err)
			}
			looked <- struct{}{}
		})
		waitFor(t, func() bool { // until it has its snapshot, in which the other's row still waits
			select {
			case <-looked:
				return true
			default:
				return waitsForALock(t, s)
			}
		})
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	}
	for _, tx := range finishing {
		if tx == finishing[1] {
			all.Wait()
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if claimed, err := s.Claim(t.Context(), raceLane, began(), 10, time.Minute); err != nil || len(claimed) != 1 || claimed[0].ID != "msg_2" {
		t.Errorf("claimed %v, %v; parked without one before them: %v", claimed, err, neverTakenOut(t, s))
	}
}

// waitsForALock reports that somebody in the test's database does.
func waitsForALock(t *testing.T, s *Store) (waits bool) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waits); err != nil {
		t.Fatal(err)
	}
	return waits
}

// waitFor looks until the condition holds.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("what is waited for does not come")
		}
		runtime.Gosched()
	}
}

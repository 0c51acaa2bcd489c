package postgres

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// planted is a row that a test has put into the table.
type planted struct {
	store.Record
	seq int64
}

// began is when the first planted notification was received.
func began() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// base is before the numbers of the runs that tests plant: beyond those that the store itself opens.
const base = 1000

// enterLane names a lane in the database, as an append does, and answers its number.
func enterLane(t testing.TB, s *Store, name string) int64 {
	t.Helper()
	id := laneID(name)
	if err := s.pool.AcquireFunc(t.Context(), func(conn *pgxpool.Conn) error {
		return s.lanes.enter(t.Context(), conn.Conn(), map[int64]string{id: name})
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// plant makes an open run of the records: the rows that a replica has committed.
func plant(t testing.TB, s *Store, number int64, records []store.Record) (all []planted) {
	t.Helper()
	if _, err := s.pool.Exec(t.Context(), "INSERT INTO open_run (number) VALUES ($1)", number); err != nil {
		t.Fatal(err)
	}
	lanes := map[string]int64{}
	for _, r := range records {
		if _, known := lanes[r.Lane]; !known {
			lanes[r.Lane] = enterLane(t, s, r.Lane)
		}
	}
	first, _ := span(number)
	columns := []string{"seq", "received_at", "next_attempt", "last_attempt", "lane", "attempts", "state", "id", "gateway_id", "merchant_id", "token_id",
		"update_type", "correlation_id", "last_reason"}
	source := pgx.CopyFromSlice(len(records), func(i int) ([]any, error) {
		r := records[i]
		state := slices.Index([]store.State{store.Waiting, store.Delivered, store.Dead}, r.State)
		return []any{first + int64(i), millis(r.ReceivedAt), millis(cmp.Or(r.NextAttempt, r.ReceivedAt)), millis(r.LastAttempt), lanes[r.Lane], r.Attempts, state,
			r.ID, r.GatewayID, r.MerchantID, r.TokenID, r.UpdateType, r.CorrelationID, r.LastReason}, nil
	})
	if _, err := s.pool.CopyFrom(t.Context(), pgx.Identifier{"notification"}, columns, source); err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		all = append(all, planted{Record: r, seq: first + int64(i)})
	}
	return all
}

// plantDelivered makes a closed run of so many rows, one received in each millisecond, delivered a second later.
func plantDelivered(t testing.TB, s *Store, number int64, count int) []planted {
	t.Helper()
	records := make([]store.Record, count)
	for i := range records {
		records[i] = anyRecord(rand.New(rand.NewPCG(uint64(number), uint64(i))), fmt.Sprintf("msg_%d_%d", number, i), began().Add(time.Duration((number-base)*runs.Rows+int64(i))*time.Millisecond))
		records[i].State, records[i].LastReason, records[i].Attempts = store.Delivered, "", 1
		records[i].LastAttempt = records[i].ReceivedAt.Add(time.Second)
	}
	all := plant(t, s, number, records)
	closeRuns(t, s, number)
	return all
}

// anyRecord has few merchants, lanes, reasons and types, some tokens, and mostly a correlation id of its own.
func anyRecord(random *rand.Rand, id string, received time.Time) store.Record {
	r := store.Record{Notification: store.Notification{
		ID: id, GatewayID: fmt.Sprintf("MGW_00000%d", random.IntN(2)), MerchantID: fmt.Sprintf("4001000000%d", random.IntN(5)), TokenID: fmt.Sprintf("tok_%d", random.IntN(500)),
		UpdateType: []string{"TOKEN_STATE_CHANGE", "CARD_UPDATE"}[random.IntN(2)], CorrelationID: fmt.Sprintf("c-%d", random.IntN(5000)),
		ReceivedAt: received, Lane: fmt.Sprintf("payments/acme/%d", random.IntN(3)),
	}}
	r.State = []store.State{store.Waiting, store.Delivered, store.Delivered, store.Delivered, store.Dead}[random.IntN(5)]
	switch {
	case r.State == store.Dead:
		r.LastReason = []string{"gone", "expired"}[random.IntN(2)]
	case r.State == store.Waiting && random.IntN(2) == 0:
		r.LastReason = "timeout"
	}
	if r.State != store.Waiting || r.LastReason != "" {
		r.Attempts, r.LastAttempt = 1, received.Add(time.Second)
	}
	return r
}

func closeRuns(t testing.TB, s *Store, numbers ...int64) {
	t.Helper()
	for _, number := range numbers {
		if err := s.closeRun(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
}

// plantSeveral makes runs of replicas that wrote at the same time: four closed and two open ones, not all full, in which times of reception overlap.
func plantSeveral(t testing.TB, s *Store) (all []planted) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for i, rows := range []int{runs.Rows, 900, runs.Rows, 3000, 1200, 7} {
		number := base + int64(i)
		records := make([]store.Record, rows)
		for place := range records {
			received := began().Add(time.Duration(i*1000+random.IntN(2500)) * time.Millisecond)
			records[place] = anyRecord(random, fmt.Sprintf("msg_%d_%d", number, place), received)
		}
		all = append(all, plant(t, s, number, records)...)
		if i < 4 {
			closeRuns(t, s, number)
		}
	}
	slices.SortFunc(all, func(a, b planted) int {
		return cmp.Or(b.ReceivedAt.Compare(a.ReceivedAt), cmp.Compare(b.seq, a.seq))
	})
	return all
}

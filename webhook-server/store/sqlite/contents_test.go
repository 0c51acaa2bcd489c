package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

// began is when the contents of these tests begin.
func began() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// later is so many seconds after that.
func later(seconds int) time.Time { return began().Add(time.Duration(seconds) * time.Second) }

const lane = "payments/acme/a"

// numbered is a notification that is told by its number, received so many seconds later.
func numbered(number, seconds int) store.Notification {
	return store.Notification{
		ID: fmt.Sprintf("msg_%06d", number), GatewayID: "MGW_000001", MerchantID: "40010000001", TokenID: fmt.Sprintf("tok_%d", number),
		UpdateType: "TOKEN_STATE_CHANGE", CorrelationID: fmt.Sprintf("c-%d", number), ReceivedAt: later(seconds), Lane: lane,
	}
}

// appendVaried has one of everything that a store holds.
func appendVaried(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		_, err := s.Append(ctx, numbered(i, i))
		must(err)
	}
	claimed, err := s.Claim(ctx, lane, later(10), 4, time.Minute)
	must(err)
	for i, o := range []store.Outcome{
		{State: store.Delivered, Status: 204},
		{State: store.Dead, Status: 410, Reason: "gone"},
		{State: store.Waiting, Status: 503, Reason: "status_5xx", NextAttempt: later(60)},
		{State: store.Waiting, Reason: "proxy", NextAttempt: later(60), Uncounted: true},
	} {
		o.ID, o.Lease, o.At, o.Took = claimed[i].ID, claimed[i].Lease, later(11+i), time.Duration(i)*time.Millisecond
		must(s.Record(ctx, o))
	}
	n, err := s.Replay(ctx, store.Filter{ID: claimed[0].ID}, later(20), 1)
	if must(err); n != 1 {
		t.Fatalf("replayed %d, want 1", n)
	}
	for i := 5; i < 9; i++ {
		n := numbered(i, i)
		n.TokenID, n.Ordered, n.Merge = "tok_shared", true, i%2 == 0
		n.UpdateType = fmt.Sprintf("TYPE_%d", i)
		_, err := s.Append(ctx, n)
		must(err)
	}
	must(s.Revoke(ctx, revocationOf(1)))
	must(s.Pause(ctx, store.Pause{Lane: lane, Since: later(1), By: "ann", Reason: "migration"}))
	must(s.Pause(ctx, store.Pause{Lane: "payments/acme", WholeGateway: true, Since: later(1)}))
	must(s.Resume(ctx, "payments/acme", true, later(2)))
}

// contents is what a store holds.
type contents struct {
	id       string
	records  []store.Record
	lanes    []store.LaneStats
	pauses   []store.Pause
	revoked  map[string]bool
	finished [2]int
}

// everything reads all that the store holds.
func everything(t *testing.T, s *sqlite.Store) (c contents) {
	t.Helper()
	c.id = s.ID()
	c.revoked = revokedJTIs(t, s)
	list, err := s.List(t.Context(), store.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		rec, err := s.Get(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		c.records = append(c.records, rec)
	}
	if c.lanes, err = s.Lanes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.pauses, err = s.Pauses(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, state := range []store.State{store.Delivered, store.Dead} {
		if c.finished[i], err = s.Count(t.Context(), store.Filter{State: state}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

package postgres

import (
	"errors"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// due is a notification of the lane that has just been received.
func due(id, lane string) store.Notification {
	return store.Notification{ID: id, GatewayID: "MGW_000001", MerchantID: "40010000001", TokenID: "tok_1", UpdateType: "TOKEN_STATE_CHANGE", Lane: lane, ReceivedAt: began()}
}

func mustAppend(t *testing.T, s *Store, all ...store.Notification) {
	t.Helper()
	for _, n := range all {
		if _, err := s.Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
}

// claimOne claims the one notification that is due in the lane.
func claimOne(t *testing.T, s *Store, lane string, now time.Time) store.Delivery {
	t.Helper()
	claimed, err := s.Claim(t.Context(), lane, now, 10, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %d, %v; want one", len(claimed), err)
	}
	return claimed[0]
}

func TestAClockThatWasAheadOnceIsForgiven(t *testing.T) {
	s := openForTest(t)
	mustAppend(t, s, due("msg_1", "a/b/c"))
	ahead := claimOne(t, s, "a/b/c", began())
	if _, err := s.DueLanes(t.Context(), began().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), delivered(ahead, began())); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("recording what was over at an instant that was named since: %v", err)
	}
	again := claimOne(t, s, "a/b/c", began().Add(2*time.Minute))
	if err := s.Record(t.Context(), delivered(again, began().Add(2*time.Minute))); err != nil {
		t.Errorf("recording within the lease, the clock set back: %v", err)
	}
	if len(s.leases.claims) != 0 || len(s.leases.byEnd) != 0 {
		t.Errorf("%d claims are remembered, %d ends", len(s.leases.claims), len(s.leases.byEnd))
	}
}

func delivered(d store.Delivery, at time.Time) store.Outcome {
	return store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: at}
}

func TestAClaimThatNobodyEndedLeavesWhenItWasDue(t *testing.T) {
	s := openForTest(t)
	mustAppend(t, s, due("msg_1", "a/b/c"))
	claimOne(t, s, "a/b/c", began())
	second := claimOne(t, s, "a/b/c", began().Add(2*time.Minute))
	for _, when := range []string{"claimed again", "released"} {
		if r, err := s.Get(t.Context(), "msg_1"); err != nil || !r.NextAttempt.Equal(began()) {
			t.Errorf("%s: due at %s, %v; want %s", when, r.NextAttempt, err, began())
		}
		if err := s.Release(t.Context(), second.ID, second.Lease); err != nil && when == "claimed again" {
			t.Fatal(err)
		}
	}
}

// The second round meets a row that the database does not let anybody lease.
func TestWhatWasClaimedIsHandedOutAlthoughALaterRoundFails(t *testing.T) {
	s := openForTest(t)
	for i, token := range []string{"tok_1", "tok_1", "tok_2"} {
		n := due("msg_"+string(rune('1'+i)), "a/b/c")
		n.TokenID, n.Ordered, n.ReceivedAt = token, true, began().Add(time.Duration(i)*time.Second)
		mustAppend(t, s, n)
	}
	execute(t, s, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
		CREATE TRIGGER refuse BEFORE UPDATE ON notification FOR EACH ROW WHEN (NEW.token_id = 'tok_2') EXECUTE FUNCTION refuse()`)
	claimed, err := s.Claim(t.Context(), "a/b/c", began().Add(time.Minute), 2, time.Minute)
	if err != nil || len(claimed) != 1 || claimed[0].ID != "msg_1" {
		t.Fatalf("claimed %v, %v; want the first", claimed, err)
	}
	if err := s.Record(t.Context(), delivered(claimed[0], began().Add(time.Minute))); err != nil {
		t.Error(err)
	}
}

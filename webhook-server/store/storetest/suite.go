// Package storetest holds what every store engine is tested and measured by.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Place gives a test a place of its own for a store. The first call of open creates an empty store there; a later one, after the store
// was closed, opens it again. A store must last until the test ends; the suite may have closed it by then.
type Place func(t *testing.T) (open func() store.Store)

// Run is the conformance suite: every engine must pass it. No test reads a clock: the store goes by the instants that it is told.
func Run(t *testing.T, place Place) {
	for _, part := range []struct {
		name  string
		tests []conformanceTest
	}{
		{"claiming", claimTests},
		{"leases", leaseTests},
		{"recording", recordTests},
		{"next due instant", nextDueTests},
		{"searching", searchTests},
		{"lane counts", laneTests},
		{"pruning", pruneTests},
		{"revoking", revocationTests},
		{"concurrency", concurrencyTests},
		{"closing", closeTests},
	} {
		t.Run(part.name, func(t *testing.T) {
			for _, test := range part.tests {
				t.Run(test.name, func(t *testing.T) {
					open := place(t)
					test.run(&fixture{T: t, Store: open(), open: open})
				})
			}
		})
	}
}

type conformanceTest struct {
	name string
	run  func(*fixture)
}

// start is when every test begins. It is a whole number of milliseconds, which is what a store keeps.
func start() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// after is so many seconds into the test.
func after(seconds int) time.Time { return start().Add(time.Duration(seconds) * time.Second) }

const (
	laneA = "payments/acme/a"
	laneB = "payments/acme/b"
	// minute is the usual lease.
	minute = time.Minute
)

// fixture is a store whose errors end the test.
type fixture struct {
	*testing.T
	store.Store
	open func() store.Store
}

// reopen closes the store and opens it again, as a restart does.
func (f *fixture) reopen() {
	f.Helper()
	if err := f.Close(); err != nil {
		f.Fatalf("closing: %v", err)
	}
	f.Store = f.open()
}

// notification is one with the number given, received so many seconds into the test.
func notification(number int, lane string, seconds int) store.Notification {
	return store.Notification{
		ID: fmt.Sprintf("msg_%06d", number), GatewayID: "MGW_000001", MerchantID: "40010000001", TokenID: fmt.Sprintf("tok_%d", number),
		UpdateType: "TOKEN_STATE_CHANGE", CorrelationID: fmt.Sprintf("c-%d", number), ReceivedAt: after(seconds), Lane: lane,
	}
}

func (f *fixture) append(all ...store.Notification) {
	f.Helper()
	for _, n := range all {
		if err := f.Append(f.Context(), n); err != nil {
			f.Fatalf("appending %s: %v", n.ID, err)
		}
	}
}

func (f *fixture) claim(lane string, now time.Time, limit int) []store.Delivery {
	f.Helper()
	claimed, err := f.Claim(f.Context(), lane, now, limit, minute)
	if err != nil {
		f.Fatalf("claiming: %v", err)
	}
	return claimed
}

// claimOne claims the only due notification of the lane.
func (f *fixture) claimOne(lane string, now time.Time) store.Delivery {
	f.Helper()
	claimed := f.claim(lane, now, 10)
	if len(claimed) != 1 {
		f.Fatalf("claimed %v, want one", ids(claimed))
	}
	return claimed[0]
}

func (f *fixture) record(d store.Delivery, state store.State, reason string, at, next time.Time) {
	f.Helper()
	if err := f.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: state, Reason: reason, At: at, NextAttempt: next}); err != nil {
		f.Fatalf("recording %s for %s: %v", state, d.ID, err)
	}
}

func (f *fixture) delivered(d store.Delivery, at time.Time) {
	f.Helper()
	f.record(d, store.Delivered, "", at, time.Time{})
}

func (f *fixture) dead(d store.Delivery, at time.Time) {
	f.Helper()
	f.record(d, store.Dead, "gone", at, time.Time{})
}

func (f *fixture) get(id string) store.Record {
	f.Helper()
	rec, err := f.Get(f.Context(), id)
	if err != nil {
		f.Fatalf("getting %s: %v", id, err)
	}
	return rec
}

func (f *fixture) list(filter store.Filter) []string {
	f.Helper()
	records, err := f.List(f.Context(), filter)
	if err != nil {
		f.Fatalf("listing: %v", err)
	}
	found := make([]string, len(records))
	for i, rec := range records {
		found[i] = rec.ID
	}
	return found
}

func (f *fixture) dueLanes(now time.Time) []string {
	f.Helper()
	due, err := f.DueLanes(f.Context(), now)
	if err != nil {
		f.Fatalf("asking for due lanes: %v", err)
	}
	return due
}

func ids(claimed []store.Delivery) []string {
	all := make([]string, len(claimed))
	for i, d := range claimed {
		all[i] = d.ID
	}
	return all
}

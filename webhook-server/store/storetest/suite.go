// Package storetest holds what every store engine is tested and measured by.
package storetest

import (
	"fmt"
	"reflect"
	"slices"
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
		{"probing", probeTests},
		{"leases", leaseTests},
		{"order", orderTests},
		{"merging", mergeTests},
		{"recording", recordTests},
		{"history", historyTests},
		{"next due instant", nextDueTests},
		{"searching", searchTests},
		{"filtering", filterTests},
		{"namespaces", namespaceTests},
		{"paging", pagingTests},
		{"stopping", stoppingTests},
		{"replaying", replayTests},
		{"lane counts", laneTests},
		{"pruning", pruneTests},
		{"pausing", pauseTests},
		{"revoking", revocationTests},
		{"identity", identityTests},
		{"concurrency", concurrencyTests},
		{"closing", closeTests},
	} {
		t.Run(part.name, func(t *testing.T) {
			for _, test := range part.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel() // most of its time each waits for the disk
					test.run(newFixture(t, place))
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

// took is how long every attempt lasts, unless a test says otherwise.
const took = 250 * time.Millisecond

// patience bounds what a test waits for that must come.
const patience = time.Minute

// fixture is a store whose errors end the test.
type fixture struct {
	*testing.T
	store.Store
	open  func() store.Store
	place Place
}

func newFixture(t *testing.T, place Place) *fixture {
	open := place(t)
	return &fixture{T: t, Store: open(), open: open, place: place}
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

// append expects each to be stored by itself.
func (f *fixture) append(all ...store.Notification) {
	f.Helper()
	for _, n := range all {
		f.appendAs(n.ID, n)
	}
}

// appendAs appends n and expects it to be delivered under the id.
func (f *fixture) appendAs(id string, n store.Notification) {
	f.Helper()
	got, err := f.Append(f.Context(), n)
	if err != nil {
		f.Fatalf("appending %s: %v", n.ID, err)
	}
	if got != id {
		f.Errorf("%s is delivered as %q, want %s", n.ID, got, id)
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
	if err := f.Record(f.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: state, Reason: reason, At: at, Took: took, NextAttempt: next}); err != nil {
		f.Fatalf("recording %s for %s: %v", state, d.ID, err)
	}
}

// retry records an attempt that failed, to be made again at the instant.
func (f *fixture) retry(d store.Delivery, at, next time.Time) {
	f.Helper()
	f.record(d, store.Waiting, "timeout", at, next)
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

func (f *fixture) release(d store.Delivery) {
	f.Helper()
	if err := f.Release(f.Context(), d.ID, d.Lease); err != nil {
		f.Fatalf("releasing %s: %v", d.ID, err)
	}
}

// wantRecord expects exactly this, with its history.
func (f *fixture) wantRecord(want store.Record) {
	f.Helper()
	got := f.get(want.ID)
	if !slices.Equal(got.History, want.History) {
		f.Errorf("history of %s: %+v, want %+v", want.ID, got.History, want.History)
	}
	if got.History, want.History = nil, nil; !reflect.DeepEqual(got, want) {
		f.Errorf("record %+v, want %+v", got, want)
	}
}

// wantClaimed claims what is due and expects these, in whatever order.
func (f *fixture) wantClaimed(lane string, now time.Time, want ...string) []store.Delivery {
	f.Helper()
	claimed := f.claim(lane, now, 1000)
	got := ids(claimed)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.Errorf("claimed %v, want %v", got, want)
	}
	return claimed
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

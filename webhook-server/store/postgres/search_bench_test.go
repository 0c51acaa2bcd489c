package postgres

import (
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// BenchmarkSearch looks for one of 300,000 delivered ones, and for what is in the 2,000 that wait or are dead.
func BenchmarkSearch(b *testing.B) {
	s := openForTest(b)
	some := plantMany(b, s, 300_000)
	for _, way := range []struct {
		name   string
		filter store.Filter
	}{
		{"id", store.Filter{ID: some.ID}},
		{"token", store.Filter{TokenID: some.TokenID}},
		{"correlation id", store.Filter{CorrelationID: some.CorrelationID}},
		{"merchant", store.Filter{MerchantID: some.MerchantID}},
		{"merchant, of one hour", store.Filter{MerchantID: some.MerchantID, ReceivedFrom: some.ReceivedAt, ReceivedUntil: some.ReceivedAt.Add(time.Hour)}},
		{"newest", store.Filter{}},
		{"next page", store.Filter{After: some.ID}},
		{"waiting", store.Filter{State: store.Waiting}},
		{"dead of a merchant", store.Filter{State: store.Dead, MerchantID: some.MerchantID}},
	} {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				if list, err := s.List(b.Context(), way.filter); err != nil || len(list) == 0 {
					b.Fatalf("%d found, %v", len(list), err)
				}
			}
		})
	}
}

// plantMany makes closed runs and answers a notification from the middle.
func plantMany(b *testing.B, s *Store, total int) (some store.Record) {
	b.Helper()
	for number := int64(0); number*runs.Rows < int64(total); number++ {
		records := make([]store.Record, runs.Rows)
		for i := range records {
			n := storetest.LoadNotification(i)
			n.ReceivedAt = began().Add(time.Duration(number*runs.Rows+int64(i)) * 100 * time.Millisecond)
			records[i] = store.Record{Notification: n, State: store.Delivered, Attempts: 1, LastAttempt: n.ReceivedAt.Add(time.Second)}
			switch i % 299 {
			case 7:
				records[i].State = store.Waiting
			case 11:
				records[i].State = store.Dead
			}
		}
		plant(b, s, base+number, records)
		closeRuns(b, s, base+number)
		if number*runs.Rows < int64(total)/2 {
			some = records[len(records)/2]
		}
	}
	if _, err := s.pool.Exec(b.Context(), "VACUUM ANALYZE"); err != nil {
		b.Fatal(err)
	}
	return some
}

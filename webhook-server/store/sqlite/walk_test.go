package sqlite

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// jumpingClock is when the i-th of some notifications was received: the clock goes back twice, so that runs overlap in time.
func jumpingClock(i int) time.Time {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	switch {
	case i < 3000:
		return start.Add(time.Duration(i) * time.Second)
	case i < 6000:
		return start.Add(time.Duration(i-1500)*time.Second + 300*time.Millisecond)
	}
	return start.Add(time.Duration(i-6000)*time.Second + 600*time.Millisecond)
}

// appendJumping appends by a jumping clock, and answers all, the newest received first.
func appendJumping(t *testing.T, s *Store, count int) []store.Notification {
	t.Helper()
	all := make([]store.Notification, count)
	const atOnce = 100
	for first := 0; first < count; first += atOnce {
		var group sync.WaitGroup
		for i := first; i < min(first+atOnce, count); i++ {
			all[i] = store.Notification{
				ID: fmt.Sprint("msg_", i), GatewayID: "MGW_000001", MerchantID: fmt.Sprint("merchant_", i%3), TokenID: fmt.Sprint("tok_", i%700),
				UpdateType: "TOKEN_STATE_CHANGE", CorrelationID: fmt.Sprint("c-", i), ReceivedAt: jumpingClock(i), Lane: fmt.Sprint("lane_", i%2),
			}
			group.Go(func() {
				if _, err := s.Append(t.Context(), all[i]); err != nil {
					t.Errorf("appending: %v", err)
				}
			})
		}
		group.Wait()
	}
	slices.SortFunc(all, func(a, b store.Notification) int { return b.ReceivedAt.Compare(a.ReceivedAt) })
	return all
}

func TestEverySearchIsInOrderOfReceptionThoughClocksJump(t *testing.T) {
	s, _ := openWith(t, 0)
	all := appendJumping(t, s, 2*runs.Rows+300)
	from, until := jumpingClock(2100), jumpingClock(2700)
	for name, c := range map[string]struct {
		filter store.Filter
		match  func(store.Notification) bool
	}{
		"everything":           {store.Filter{}, func(store.Notification) bool { return true }},
		"of a merchant":        {store.Filter{MerchantID: "merchant_1"}, func(n store.Notification) bool { return n.MerchantID == "merchant_1" }},
		"of a token":           {store.Filter{TokenID: "tok_77"}, func(n store.Notification) bool { return n.TokenID == "tok_77" }},
		"what waits in a lane": {store.Filter{State: store.Waiting, Lane: "lane_1"}, func(n store.Notification) bool { return n.Lane == "lane_1" }},
		"of a time": {store.Filter{ReceivedFrom: from, ReceivedUntil: until}, func(n store.Notification) bool {
			return !n.ReceivedAt.Before(from) && n.ReceivedAt.Before(until)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for _, n := range all {
				if c.match(n) {
					want = append(want, n.ID)
				}
			}
			if got := pageThrough(t, s, c.filter); !slices.Equal(got, want) {
				t.Errorf("%d found, want %d in another order or others", len(got), len(want))
			}
			if n, err := s.Count(t.Context(), c.filter); err != nil || n != len(want) {
				t.Errorf("counted %d, %v; want %d", n, err, len(want))
			}
		})
	}
}

// pageThrough answers the ids of all that match.
func pageThrough(t *testing.T, s *Store, f store.Filter) (ids []string) {
	t.Helper()
	f.Limit = 900
	for {
		page, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range page {
			ids = append(ids, rec.ID)
		}
		if len(page) < f.Limit {
			return ids
		}
		f.After = page[len(page)-1].ID
	}
}

func TestTheOldestReceivedAreReplayedFirstThoughClocksJump(t *testing.T) {
	s, _ := openWith(t, 0)
	all := appendJumping(t, s, 2*runs.Rows+300)
	if err := s.writer.do(t.Context(), &op{apply: func(w *writer) error {
		_, err := w.conn.ExecContext(t.Context(), "UPDATE notification SET next_attempt = next_attempt + 100000000000")
		return err
	}}); err != nil {
		t.Fatal(err)
	}
	const replayed = 2*replayStep + 7
	at := all[0].ReceivedAt.Add(time.Hour)
	if n, err := s.Replay(t.Context(), store.Filter{}, at, replayed); err != nil || n != replayed {
		t.Fatalf("replayed %d, %v", n, err)
	}
	for i, n := range all {
		if i%997 != 0 && (i < len(all)-replayed-2 || i > len(all)-replayed+2) {
			continue
		}
		rec, err := s.Get(t.Context(), n.ID)
		if want := i >= len(all)-replayed; err != nil || rec.NextAttempt.Equal(at) != want {
			t.Fatalf("%s, received as the %d. of %d, is due at %s, %v", n.ID, len(all)-i, len(all), rec.NextAttempt, err)
		}
	}
}

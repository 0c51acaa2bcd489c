package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// backlog is how many notifications a replay finds.
const backlog = 100_000

// replayable opens a store whose notifications have all become what the SQL says.
func replayable(b *testing.B, become string) *sqlite.Store {
	b.Helper()
	path := filepath.Join(b.TempDir(), "store.db")
	s, err := sqlite.Open(b.Context(), options(path))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := storetest.AppendLoad(b.Context(), inLane{s, "one"}, storetest.Producers, backlog); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	execute(b, path, "UPDATE notification SET "+become)
	if s, err = sqlite.Open(b.Context(), options(path)); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkReplay replays a thousand of 100,000 in a call.
func BenchmarkReplay(b *testing.B) {
	const step = 1000
	for name, c := range map[string]struct {
		become string
		filter store.Filter
	}{
		"what waits for a lane": {"next_attempt = next_attempt + 100000000000", store.Filter{Lane: "one", State: store.Waiting}},
		"dead letters":          {"state = 'Dead', last_attempt = received_at", store.Filter{Lane: "one", State: store.Dead}},
		"what was delivered":    {"state = 'Delivered', last_attempt = received_at", store.Filter{State: store.Delivered}},
	} {
		b.Run(name, func(b *testing.B) {
			s := replayable(b, c.become)
			at := time.Now().Add(time.Minute)
			for left := backlog; b.Loop(); left -= step {
				if left < step {
					b.StopTimer()
					s, left = replayable(b, c.become), backlog
					b.StartTimer()
				}
				if n, err := s.Replay(b.Context(), c.filter, at, step); err != nil || n != step {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkProbe claims one of 100,000 that have been due for long, and gives it back.
func BenchmarkProbe(b *testing.B) {
	s := replayable(b, "attempts = seq % 100")
	now := time.Now().Add(time.Hour)
	for b.Loop() {
		d, err := s.ClaimProbe(b.Context(), "one", now, time.Minute)
		if err != nil || d == nil {
			b.Fatal(d, err)
		}
		if err := s.Release(b.Context(), d.ID, d.Lease); err != nil {
			b.Fatal(err)
		}
	}
}

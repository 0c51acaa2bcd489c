package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// BenchmarkStoreSQLite appends durably, the indexing of older rows and the checkpoints included.
func BenchmarkStoreSQLite(b *testing.B) {
	s, err := sqlite.Open(b.Context(), options(filepath.Join(b.TempDir(), "store.db")))
	if err != nil {
		b.Fatal(err)
	}
	storetest.BenchmarkAppend(b, s)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAppendFsync is the floor for BenchmarkStoreSQLite.
func BenchmarkAppendFsync(b *testing.B) { storetest.BenchmarkFloor(b) }

// BenchmarkClaimBehindBacklog claims ten and gives them back, while 100,000 wait in the same lane and as many in another.
func BenchmarkClaimBehindBacklog(b *testing.B) {
	path := filepath.Join(b.TempDir(), "store.db")
	s, err := sqlite.Open(b.Context(), options(path))
	if err != nil {
		b.Fatal(err)
	}
	for _, lane := range []string{"one", "other"} {
		if _, err := storetest.AppendLoad(b.Context(), inLane{s, lane}, storetest.Producers, 100_000); err != nil {
			b.Fatal(err)
		}
	}
	now := time.Now().Add(time.Minute)
	for b.Loop() {
		claimed, err := s.Claim(b.Context(), "one", now, 10, time.Minute)
		if err != nil || len(claimed) != 10 {
			b.Fatal(len(claimed), err)
		}
		for _, d := range claimed {
			if err := s.Release(b.Context(), d.ID, d.Lease); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// inLane puts everything into one lane.
type inLane struct {
	store.Store
	lane string
}

func (l inLane) Append(ctx context.Context, n store.Notification) (string, error) {
	n.Lane = l.lane
	return l.Store.Append(ctx, n)
}

// BenchmarkDeliver is the whole life of a notification: appended by 64 producers, then claimed in hundreds and recorded by as many workers.
func BenchmarkDeliver(b *testing.B) {
	s, err := sqlite.Open(b.Context(), options(filepath.Join(b.TempDir(), "store.db")))
	if err != nil {
		b.Fatal(err)
	}
	started := time.Now()
	if _, err := storetest.AppendLoad(b.Context(), inLane{s, "one"}, storetest.Producers, b.N); err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	var workers sync.WaitGroup
	for range storetest.Producers {
		workers.Go(func() {
			for {
				claimed, err := s.Claim(b.Context(), "one", now, 100, time.Hour)
				if err != nil {
					b.Error(err)
				}
				if len(claimed) == 0 {
					return
				}
				for _, d := range claimed {
					if err := s.Record(b.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: now}); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	workers.Wait()
	b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "ops/s")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpenWithBacklog opens a store in which 100,000 wait.
func BenchmarkOpenWithBacklog(b *testing.B) {
	path := filepath.Join(b.TempDir(), "store.db")
	s, err := sqlite.Open(b.Context(), options(path))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := storetest.AppendLoad(b.Context(), s, storetest.Producers, 100_000); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := sqlite.Open(b.Context(), options(path))
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSearch looks for one token among 300,000 notifications.
func BenchmarkSearch(b *testing.B) {
	s, err := sqlite.Open(b.Context(), options(filepath.Join(b.TempDir(), "store.db")))
	if err != nil {
		b.Fatal(err)
	}
	first := storetest.LoadNotification(0)
	if _, err := s.Append(b.Context(), first); err != nil {
		b.Fatal(err)
	}
	if _, err := storetest.AppendLoad(b.Context(), s, storetest.Producers, 300_000); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		found, err := s.List(b.Context(), store.Filter{TokenID: first.TokenID})
		if err != nil || len(found) != 1 {
			b.Fatal(found, err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRevocationsNothingNew is what a replica's regular question costs beside 100,000 that it knows.
func BenchmarkRevocationsNothingNew(b *testing.B) {
	path := filepath.Join(b.TempDir(), "store.db")
	s, err := sqlite.Open(b.Context(), options(path))
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	const known = 100_000
	execute(b, path, fmt.Sprintf(`WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series LIMIT %d)
		INSERT INTO revocation (gateway_id, jti, expires_at) SELECT 'MGW_000001', n, n FROM series`, known))
	if s, err = sqlite.Open(b.Context(), options(path)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if list, _, err := s.Revocations(b.Context(), known); err != nil || len(list) != 0 {
			b.Fatal(len(list), err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

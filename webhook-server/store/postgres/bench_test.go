package postgres

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// producers is how many callers wait for their own append at once.
const producers = 64

// durableServer flushes every commit, as a server in production does, with room for a log that is not copied into the tables every few seconds.
func durableServer(b *testing.B) *pgtest.Server {
	b.Helper()
	return pgtest.Start(b, pgtest.Options{Settings: map[string]string{
		"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "wal_buffers": "16MB", "wal_compression": "lz4", "wal_sync_method": "open_datasync",
	}})
}

// BenchmarkStorePostgres appends durably, the indexing of older rows included. The server shares the processors.
func BenchmarkStorePostgres(b *testing.B) {
	s := openAt(b, durableServer(b).Database(b))
	benchmarkAppend(b, s)
}

// BenchmarkAppendFsync is the floor for BenchmarkStorePostgres: the same bytes appended to a plain file in groups, each flushed once.
func BenchmarkAppendFsync(b *testing.B) {
	l, err := storetest.OpenFsyncLog(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	benchmarkAppend(b, l)
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

func benchmarkAppend(b *testing.B, to storetest.Appender) {
	b.ReportAllocs()
	b.ResetTimer()
	took, err := storetest.AppendLoad(b.Context(), to, producers, b.N)
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/took.Seconds(), "ops/s")
}

// BenchmarkDeliver is the whole life of a notification: appended by 64 producers, then claimed in hundreds and recorded by as many workers.
func BenchmarkDeliver(b *testing.B) {
	s := openAt(b, durableServer(b).Database(b))
	b.ResetTimer()
	started := time.Now()
	if _, err := storetest.AppendLoad(b.Context(), s, producers, b.N); err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	lanes, err := s.DueLanes(b.Context(), now)
	if err != nil {
		b.Fatal(err)
	}
	var workers sync.WaitGroup
	for i := range producers {
		workers.Go(func() {
			for j := range lanes {
				deliverLane(b, s, lanes[(i+j)%len(lanes)], now)
			}
		})
	}
	workers.Wait()
	b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "ops/s")
}

func deliverLane(b *testing.B, s *Store, lane string, now time.Time) {
	for {
		claimed, err := s.Claim(b.Context(), lane, now, 100, time.Hour)
		if err != nil {
			b.Error(err)
		}
		if len(claimed) == 0 {
			return
		}
		for _, d := range claimed {
			if err := s.Record(b.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, Status: 204, At: now, Took: 20 * time.Millisecond}); err != nil {
				b.Error(err)
			}
		}
	}
}

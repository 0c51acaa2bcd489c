package postgres

import (
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

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
	storetest.BenchmarkAppend(b, s)
}

// BenchmarkAppendFsync is the floor for BenchmarkStorePostgres.
func BenchmarkAppendFsync(b *testing.B) { storetest.BenchmarkFloor(b) }

// BenchmarkDeliver is the whole life of a notification: appended by 64 producers, then claimed in hundreds and recorded by as many workers.
func BenchmarkDeliver(b *testing.B) {
	s := openAt(b, durableServer(b).Database(b))
	b.ResetTimer()
	started := time.Now()
	if _, err := storetest.AppendLoad(b.Context(), s, storetest.Producers, b.N); err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	lanes, err := s.DueLanes(b.Context(), now)
	if err != nil {
		b.Fatal(err)
	}
	var workers sync.WaitGroup
	for i := range storetest.Producers {
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

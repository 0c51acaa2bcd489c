package postgres

import (
	"path/filepath"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// producers is how many callers wait for their own append at once.
const producers = 64

// durableServer flushes every commit, as a server in production does, with room for a log that is not copied into the tables every few seconds.
func durableServer(b *testing.B) *pgtest.Server {
	b.Helper()
	return pgtest.Start(b, pgtest.Options{Settings: map[string]string{
		"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "wal_buffers": "16MB", "wal_compression": "lz4",
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

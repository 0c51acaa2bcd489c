package storetest

import (
	"path/filepath"
	"testing"
)

// Producers is how many wait for their own notification in the benchmarks of appending.
const Producers = 64

// BenchmarkAppend appends durably and reports how many a second.
func BenchmarkAppend(b *testing.B, to Appender) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	took, err := AppendLoad(b.Context(), to, Producers, b.N)
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/took.Seconds(), "ops/s")
}

// BenchmarkFloor is the floor for BenchmarkAppend: the same bytes appended to a plain file in groups, each flushed once.
func BenchmarkFloor(b *testing.B) {
	b.Helper()
	l, err := OpenFsyncLog(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	BenchmarkAppend(b, l)
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

package sqlite

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// packRun packs the ids of a whole run.
func packRun(number int64, ids func(i int) string) []byte {
	slots := make([]slot, runRows)
	for i := range slots {
		slots[i] = slotsOf(number*runRows+int64(i), store.Notification{ID: ids(i)})[byID]
	}
	return pack(slots)
}

func TestARunFindsEachOfItsRows(t *testing.T) {
	const number = 1 << 30
	packed := packRun(number, func(i int) string { return fmt.Sprint("msg_", i) })
	others := 0
	for i := range runRows {
		seqs := find(number, packed, fmt.Sprint("msg_", i))
		if !slices.Contains(seqs, number*runRows+int64(i)) {
			t.Fatalf("row %d is not among %v", i, seqs)
		}
		others += len(seqs) - 1
	}
	if others > runRows/50 { // 16 are to be expected of 20 bits
		t.Errorf("%d wrong rows were found for %d values", others, runRows)
	}
}

func TestARunFindsAllRowsWithOneValueInOrder(t *testing.T) {
	packed := packRun(7, func(i int) string { return [2]string{"one", "other"}[i%2] })
	seqs := find(7, packed, "other")
	if len(seqs) != runRows/2 || seqs[0] != 7*runRows+1 || seqs[len(seqs)-1] != 8*runRows-1 || !slices.IsSorted(seqs) {
		t.Errorf("%d rows, from %d to %d", len(seqs), seqs[0], seqs[len(seqs)-1])
	}
}

func TestARunWithoutTheValueFindsNothing(t *testing.T) {
	for name, packed := range map[string][]byte{
		"an empty run":        pack(nil),
		"a run of others":     pack([]slot{hash("a"), hash("b") | 1}),
		"a run cut in a slot": {0xff, 0xff},
	} {
		if seqs := find(3, packed, "msg"); len(seqs) > 0 {
			t.Errorf("%s: %v", name, seqs)
		}
	}
}

// The hash is in the file: another one would not find what an earlier release has written.
func TestTheHashIsTheOneInTheFile(t *testing.T) {
	for value, want := range map[string]slot{
		"": 0x811c9dc5 ^ 0x811, "a": 0xe40c292c ^ 0xe40, "foobar": 0xbf9cf968 ^ 0xbf9, // FNV-1a's own test values
	} {
		if got := hash(value); got != want<<offsetBits {
			t.Errorf("hash of %q is %x, want %x", value, got, want<<offsetBits)
		}
	}
}

func FuzzARunFindsWhatItHas(f *testing.F) {
	f.Add("msg_1", "msg_2", uint16(1), int64(5))
	f.Add("", "\x00", uint16(4095), int64(0))
	f.Fuzz(func(t *testing.T, value, other string, offset uint16, number int64) {
		number = max(0, number%(1<<50))
		seq := number*runRows + int64(offset%runRows)
		packed := pack([]slot{slotsOf(seq, store.Notification{TokenID: value})[byToken], hash(other)})
		if seqs := find(number, packed, value); !slices.Contains(seqs, seq) {
			t.Errorf("row %d is not among %v", seq, seqs)
		}
	})
}

// runs counts the rows of the run table.
func runs(t *testing.T, s *Store) (count int) {
	t.Helper()
	if err := s.readers.QueryRowContext(t.Context(), "SELECT count(*) FROM run").Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

func TestRunsGoWithTheirLastRow(t *testing.T) {
	s, _ := openWith(t, 0)
	if _, err := storetest.AppendLoad(t.Context(), s, 64, 2*runRows); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return s.writer.index.until.Load() == 2*runRows-1 })
	if got := runs(t, s); got != 2*int(fieldCount) {
		t.Fatalf("%d blobs, want two runs of %d", got, fieldCount)
	}
	if err := s.writer.do(t.Context(), &op{apply: func(w *writer) error {
		_, err := w.conn.ExecContext(context.Background(), "UPDATE notification SET state = 'Delivered', last_attempt = seq")
		return err
	}}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ prune, blobs int }{
		{runRows - 2, 2 * int(fieldCount)}, // seq counts from 1: one row is left in the first run
		{1, int(fieldCount)},
		{runRows + 1, 0},
	} {
		if n, err := s.Prune(t.Context(), store.Delivered, time.Now(), step.prune); err != nil || n != step.prune {
			t.Fatalf("pruned %d of %d, %v", n, step.prune, err)
		}
		if got := runs(t, s); got != step.blobs {
			t.Errorf("%d blobs are left, want %d", got, step.blobs)
		}
	}
}

func TestARunThatWasNotWrittenIsMadeUpFor(t *testing.T) {
	s, _ := openWith(t, 0)
	if err := s.writer.do(t.Context(), &op{apply: func(w *writer) error {
		w.index.retryAt = never // as after failures
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	first := storetest.LoadNotification(1)
	if err := s.Append(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.AppendLoad(t.Context(), s, 64, 2*runRows); err != nil {
		t.Fatal(err)
	}
	if got := runs(t, s); got != 0 {
		t.Fatalf("%d blobs were written", got)
	}
	wantFound(t, s, first)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, err := Open(t.Context(), Options{Path: s.path, Logger: s.log})
	if err != nil {
		t.Fatal(err)
	}
	wantFound(t, s, first)
	for range 2 { // each commit is followed by one run
		if err := s.Append(t.Context(), storetest.LoadNotification(2)); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { return s.writer.index.until.Load() == 2*runRows-1 })
	wantFound(t, s, first)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantFound(t *testing.T, s *Store, n store.Notification) {
	t.Helper()
	for _, f := range []store.Filter{{TokenID: n.TokenID}, {CorrelationID: n.CorrelationID}, {TokenID: n.TokenID, MerchantID: n.MerchantID}} {
		list, err := s.List(t.Context(), f)
		if err != nil || len(list) != 1 || list[0].ID != n.ID {
			t.Errorf("%+v: %d found, %v", f, len(list), err)
		}
	}
	if _, err := s.Get(t.Context(), n.ID); err != nil {
		t.Errorf("getting %s: %v", n.ID, err)
	}
}

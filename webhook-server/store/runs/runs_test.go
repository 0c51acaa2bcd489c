package runs

import (
	"fmt"
	"slices"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// packRun packs the ids of a whole run.
func packRun(number int64, ids func(i int) string) []byte {
	slots := make([]Slot, Rows)
	for i := range slots {
		slots[i] = SlotsOf(number*Rows+int64(i), store.Notification{ID: ids(i)})[ByID]
	}
	return Pack(slots)
}

func TestARunFindsEachOfItsRows(t *testing.T) {
	const number = 1 << 30
	packed := packRun(number, func(i int) string { return fmt.Sprint("msg_", i) })
	others := 0
	for i := range Rows {
		seqs := Find(number, packed, fmt.Sprint("msg_", i))
		if !slices.Contains(seqs, number*Rows+int64(i)) {
			t.Fatalf("row %d is not among %v", i, seqs)
		}
		others += len(seqs) - 1
	}
	if others > Rows/50 { // 16 are to be expected of 20 bits
		t.Errorf("%d wrong rows were found for %d values", others, Rows)
	}
}

func TestARunFindsAllRowsWithOneValueInOrder(t *testing.T) {
	packed := packRun(7, func(i int) string { return [2]string{"one", "other"}[i%2] })
	seqs := Find(7, packed, "other")
	if len(seqs) != Rows/2 || seqs[0] != 7*Rows+1 || seqs[len(seqs)-1] != 8*Rows-1 || !slices.IsSorted(seqs) {
		t.Errorf("%d rows, from %d to %d", len(seqs), seqs[0], seqs[len(seqs)-1])
	}
}

func TestARunWithoutTheValueFindsNothing(t *testing.T) {
	for name, packed := range map[string][]byte{
		"an empty run":        Pack(nil),
		"a run of others":     Pack([]Slot{hash("a"), hash("b") | 1}),
		"a run cut in a slot": {0xff, 0xff},
	} {
		if seqs := Find(3, packed, "msg"); len(seqs) > 0 {
			t.Errorf("%s: %v", name, seqs)
		}
	}
}

func TestEachFieldHasTheSlotOfItsOwnValue(t *testing.T) {
	n := store.Notification{ID: "msg_1", TokenID: "tok_1", CorrelationID: "c-1", MerchantID: "40010000001"}
	slots := SlotsOf(5*Rows+9, n)
	for f, value := range map[Field]string{ByID: n.ID, ByToken: n.TokenID, ByCorrelation: n.CorrelationID, ByMerchant: n.MerchantID} {
		if got := Find(5, Pack([]Slot{slots[f]}), value); !slices.Equal(got, []int64{5*Rows + 9}) {
			t.Errorf("%s: %v", f.Column(), got)
		}
	}
}

// The hash is in files and databases: another one would not find what an earlier release has written.
func TestTheHashIsTheOneThatIsStored(t *testing.T) {
	for value, want := range map[string]Slot{
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
		seq := number*Rows + int64(offset%Rows)
		packed := Pack([]Slot{SlotsOf(seq, store.Notification{TokenID: value})[ByToken], hash(other)})
		if seqs := Find(number, packed, value); !slices.Contains(seqs, seq) {
			t.Errorf("row %d is not among %v", seq, seqs)
		}
	})
}

// A blob comes from a database that people and tools can write to.
func FuzzAnyBlobIsReadWithinItsRun(f *testing.F) {
	f.Add([]byte{0xff, 0xff, 0xff}, "a", int64(1))
	f.Add(Pack([]Slot{hash("a") | 4095, hash("a")}), "a", int64(3))
	f.Fuzz(func(t *testing.T, packed []byte, value string, number int64) {
		number = max(0, number%(1<<50))
		seqs := Find(number, packed, value)
		if len(seqs) > len(packed)/slotBytes {
			t.Errorf("%d rows of %d bytes", len(seqs), len(packed))
		}
		for _, seq := range seqs {
			if seq/Rows != number {
				t.Errorf("row %d is not of run %d", seq, number)
			}
		}
	})
}

package runs

import (
	"fmt"
	"slices"
	"testing"
)

// cut is the piece of a blob.
func cut(packed []byte, first, size int) []byte {
	return packed[first*slotBytes : (first+size)*slotBytes]
}

func TestAWindowHasTheValuesThatRowsHaveForThemselves(t *testing.T) {
	for _, rows := range []int{1, 2, 50, 700, Rows} {
		slots := make([]Slot, rows)
		for i := range slots {
			slots[i] = hash(fmt.Sprint("msg_", i)) | Slot(i)
		}
		packed := Pack(slots)
		read := 0
		for i := range 2 * rows { // the second half is of none
			value := fmt.Sprint("msg_", i)
			first, size := Window(value, rows)
			read += size
			piece := cut(packed, first, size)
			if !Covers(piece, first, rows, value) {
				t.Fatalf("the window of %s in %d rows, %d from %d on, may lack some", value, rows, size, first)
			}
			if got, want := Find(5, piece, value), Find(5, packed, value); !slices.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", value, got, want)
			}
		}
		if rows == Rows && read > 2*rows*(rows/8) {
			t.Errorf("%d slots of %d are read for a value", read/2/rows, rows)
		}
	}
}

func TestAPieceThatMayLackSomeIsKnown(t *testing.T) {
	packed := packRun(5, func(i int) string { return [2]string{"one", "other"}[i%2] })
	for _, value := range []string{"one", "other"} {
		first, size := Window(value, Rows)
		if Covers(cut(packed, first, size), first, Rows, value) {
			t.Errorf("%d slots cover the half of %d", size, Rows)
		}
		if !Covers(packed, 0, Rows, value) {
			t.Errorf("the whole blob lacks some of %s", value)
		}
	}
	if !Covers(nil, 0, 0, "one") || Covers(nil, 0, 3, "one") || Covers([]byte{1, 2}, 7, 9, "one") {
		t.Error("no slots are all of none, and of no others")
	}
}

func FuzzAPieceThatCoversAValueHasAllOfIt(f *testing.F) {
	f.Add("msg_1", uint16(300), uint16(3), uint16(40), uint8(4))
	f.Add("", uint16(1), uint16(0), uint16(1), uint8(1))
	f.Fuzz(func(t *testing.T, value string, rows, first, size uint16, different uint8) {
		slots := make([]Slot, 1+rows%Rows)
		for i := range slots {
			slots[i] = hash(fmt.Sprint(value, i%(int(different)+1))) | Slot(i)
		}
		slots[0] = hash(value)
		packed := Pack(slots)
		from := int(first) % len(slots)
		piece := cut(packed, from, int(size)%(len(slots)-from+1))
		if !Covers(piece, from, len(slots), value) {
			return
		}
		if got, want := Find(7, piece, value), Find(7, packed, value); !slices.Equal(got, want) {
			t.Errorf("%d of %d slots from %d on: %v, want %v", len(piece)/slotBytes, len(slots), from, got, want)
		}
	})
}

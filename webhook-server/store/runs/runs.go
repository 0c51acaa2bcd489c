// Package runs is how both engines index what notifications are searched by: their id, token, correlation id and merchant.
//
// An index that a database keeps row by row changes pages all over for each notification. A run covers up to Rows rows, whose numbers (seq) differ only
// in their place in the run, and is indexed once, when no row can be added to it: for each Field one blob of sorted slots, four bytes a row. A search asks
// each run in turn and reads the rows that may match. What it reads of rows that no blob covers yet is less than a run for each writer.
package runs

import (
	"encoding/binary"
	"slices"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Rows is how many rows one run covers: those with the same seq / Rows. A slot has room for no more.
const Rows = 1 << offsetBits

const (
	offsetBits = 12
	offsetMask = 1<<offsetBits - 1
	slotBytes  = 4
)

// Field is a column by which notifications are found.
type Field int

// The fields that are searched by.
const (
	ByID Field = iota
	ByToken
	ByCorrelation
	ByMerchant
	// Fields is how many there are.
	Fields
)

// Column is the name of the notification's column.
func (f Field) Column() string {
	return [Fields]string{"id", "token_id", "correlation_id", "merchant_id"}[f]
}

// Slot says that one row of a run has a value with a certain hash: 20 bits of the hash, then the row's place in its run. It may
// point to a row that has another value or is gone; the row itself decides.
type Slot = uint32

// SlotsOf answers the slot of each field. The row's place is what seq has below a multiple of Rows.
func SlotsOf(seq int64, n store.Notification) [Fields]Slot {
	place := Slot(seq & offsetMask) // #nosec G115 -- 12 bits
	return [Fields]Slot{hash(n.ID) | place, hash(n.TokenID) | place, hash(n.CorrelationID) | place, hash(n.MerchantID) | place}
}

// Pack makes the blob of a run's slots of one field. It sorts slots, as Find needs them.
func Pack(slots []Slot) []byte {
	slices.Sort(slots)
	packed := make([]byte, 0, len(slots)*slotBytes)
	for _, s := range slots {
		packed = binary.BigEndian.AppendUint32(packed, s)
	}
	return packed
}

// Find answers the seqs, in their order, of the rows of run number that may have the value. Of a blob that Pack has not made it may answer anything, but only rows of the run.
func Find(number int64, packed []byte, value string) (seqs []int64) {
	h := hash(value)
	at := func(i int) Slot { return binary.BigEndian.Uint32(packed[i*slotBytes:]) }
	first, end := 0, len(packed)/slotBytes
	for last := end; first < last; {
		if middle := (first + last) / 2; at(middle) < h {
			first = middle + 1
		} else {
			last = middle
		}
	}
	for i := first; i < end && at(i)&^offsetMask == h; i++ {
		seqs = append(seqs, number<<offsetBits|int64(at(i)&offsetMask))
	}
	return seqs
}

// hash is a slot without a place. It is FNV-1a, folded to 20 bits; it is in the files and databases of every release, so it never changes.
func hash(value string) Slot {
	h := uint32(2166136261)
	for i := range len(value) {
		h = (h ^ uint32(value[i])) * 16777619
	}
	return (h ^ h>>20) << offsetBits
}

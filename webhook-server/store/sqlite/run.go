package sqlite

import (
	"encoding/binary"
	"slices"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// runRows is how many rows one run covers: those with the same seq / runRows. A slot has room for no more.
const runRows = 1 << offsetBits

const (
	offsetBits = 12
	offsetMask = 1<<offsetBits - 1
	slotBytes  = 4
)

// field is a column by which notifications are found.
type field int

const (
	byID field = iota
	byToken
	byCorrelation
	byMerchant
	fieldCount
)

// column is the field's name in the file.
func (f field) column() string {
	return [fieldCount]string{"id", "token_id", "correlation_id", "merchant_id"}[f]
}

// A slot says that one row of a run has a value with a certain hash: 20 bits of the hash, then the row's place in its run. It may
// point to a row that has another value or is gone; the row itself decides.
type slot = uint32

// slotsOf answers the slot of each field. The row's place is what seq has below a multiple of runRows.
func slotsOf(seq int64, n store.Notification) [fieldCount]slot {
	place := slot(seq & offsetMask) // #nosec G115 -- 12 bits
	return [fieldCount]slot{hash(n.ID) | place, hash(n.TokenID) | place, hash(n.CorrelationID) | place, hash(n.MerchantID) | place}
}

// hash is a slot without a place. It is FNV-1a, folded to 20 bits; it is in the file, so it may only change with the schema.
func hash(value string) slot {
	h := uint32(2166136261)
	for i := range len(value) {
		h = (h ^ uint32(value[i])) * 16777619
	}
	return (h ^ h>>20) << offsetBits
}

// pack puts the slots of a run into the order in which find looks for them.
func pack(slots []slot) []byte {
	slices.Sort(slots)
	packed := make([]byte, 0, len(slots)*slotBytes)
	for _, s := range slots {
		packed = binary.BigEndian.AppendUint32(packed, s)
	}
	return packed
}

// find answers the seqs of a run's rows that may have the value.
func find(number int64, packed []byte, value string) (seqs []int64) {
	h := hash(value)
	at := func(i int) slot { return binary.BigEndian.Uint32(packed[i*slotBytes:]) }
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

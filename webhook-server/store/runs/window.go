package runs

import (
	"encoding/binary"
	"math"
)

// Window answers where in a blob of so many slots those of a value are to be expected: the size of a piece and its first slot. It spares reading whole blobs of a field
// whose rows have values of their own, because their hashes are spread evenly. Covers tells whether they were.
func Window(value string, slots int) (first, size int) {
	if slots <= 0 {
		return 0, 0
	}
	expected := float64(slots) * float64(hash(value)) / (1 << 32)
	margin := int(3*math.Sqrt(float64(slots))) + slotBytes // 6 standard deviations, and a few of the value itself
	first = max(0, int(expected)-margin)
	return first, min(slots, int(expected)+margin) - first
}

// Covers reports whether the piece of a blob, from the slot first on, surely has all slots of the value: then Find answers of it what it would of the whole blob,
// which has so many slots.
func Covers(piece []byte, first, slots int, value string) bool {
	size := len(piece) / slotBytes
	if size == 0 {
		return slots == 0
	}
	h := hash(value)
	atStart := first == 0 || binary.BigEndian.Uint32(piece) < h
	atEnd := first+size >= slots || binary.BigEndian.Uint32(piece[(size-1)*slotBytes:])&^offsetMask > h
	return atStart && atEnd
}

// Package history is how the engines keep the attempts of a notification: a few bytes for each, in one value beside the row.
package history

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// version is the first byte. It is in the store, so another layout gets another number.
const version = 1

// ErrMalformed says that the bytes are no history of a version that this program knows.
var ErrMalformed = errors.New("malformed history of attempts")

// Append answers old with the attempt added, and without the oldest when there would be more than store.MaxHistory. It may use the room behind old.
// No bytes are an empty history. A malformed one is begun anew: an outcome is worth more than what went before it.
func Append(old []byte, a store.Attempt) []byte {
	starts, err := entries(old)
	if err != nil || len(starts) == 0 {
		old = []byte{version}
	}
	if surplus := len(starts) + 1 - store.MaxHistory; surplus > 0 {
		old = append([]byte{version}, old[starts[surplus]:]...)
	}
	old = binary.AppendVarint(old, a.EndedAt.UnixMilli())
	old = binary.AppendUvarint(old, uint64(max(0, a.Took.Milliseconds()))) // #nosec G115 -- not negative
	old = binary.AppendUvarint(old, uint64(max(0, a.Status)))              // #nosec G115 -- not negative
	old = binary.AppendUvarint(old, uint64(len(a.Reason)))
	return append(old, a.Reason...)
}

// Decode answers the attempts, the oldest first, and none for no bytes. It answers at most the newest store.MaxHistory.
func Decode(encoded []byte) ([]store.Attempt, error) {
	starts, err := entries(encoded)
	if err != nil {
		return nil, err
	}
	if surplus := len(starts) - store.MaxHistory; surplus > 0 {
		starts = starts[surplus:]
	}
	var attempts []store.Attempt
	for _, start := range starts {
		a, _, err := decodeEntry(encoded[start:])
		if err != nil {
			return nil, err
		}
		attempts = append(attempts, a)
	}
	return attempts, nil
}

// entries answers where each attempt begins.
func entries(encoded []byte) (starts []int, err error) {
	if len(encoded) == 0 {
		return nil, nil
	}
	if encoded[0] != version {
		return nil, ErrMalformed
	}
	for at := 1; at < len(encoded); {
		_, length, err := decodeEntry(encoded[at:])
		if err != nil {
			return nil, err
		}
		starts = append(starts, at)
		at += length
	}
	return starts, nil
}

const (
	// maxMillis keeps durations within what time.Duration holds.
	maxMillis = uint64(1<<63-1) / uint64(time.Millisecond)
	maxStatus = 1<<31 - 1
)

func decodeEntry(b []byte) (a store.Attempt, length int, err error) {
	ended, n := binary.Varint(b)
	if n <= 0 {
		return a, 0, ErrMalformed
	}
	length = n
	var numbers [3]uint64 // took, status, length of the reason
	for i := range numbers {
		if numbers[i], n = binary.Uvarint(b[length:]); n <= 0 {
			return a, 0, ErrMalformed
		}
		length += n
	}
	if numbers[0] > maxMillis || numbers[1] > maxStatus || numbers[2] > uint64(len(b)-length) { // #nosec G115 -- n bytes have just been read: it is not negative
		return a, 0, ErrMalformed
	}
	end := length + int(numbers[2]) // #nosec G115 -- not more than what is left of b
	return store.Attempt{
		EndedAt: time.UnixMilli(ended).UTC(),
		Took:    time.Duration(numbers[0]) * time.Millisecond, // #nosec G115 -- bounded above
		Status:  int(numbers[1]),                              // #nosec G115 -- bounded above
		Reason:  string(b[length:end]),
	}, end, nil
}

package postgres

import "encoding/binary"

// array is an array of one dimension in PostgreSQL's binary form (array_recv in its source): what is known of it, then each element with its length before it.
type array struct {
	bytes []byte
	count uint32
}

// arrayHeader is how many bytes come before the elements.
const arrayHeader = 20

// binaryFormat says of every argument or result that it is in binary form.
var binaryFormat = []int16{1}

// reset makes an empty array of the type in the room of the old one.
func (a *array) reset(element uint32) {
	a.count = 0
	a.bytes = binary.BigEndian.AppendUint32(a.bytes[:0], 1) // dimensions
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, 0)     // no NULL
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, element)
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, 0) // elements
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, 1) // the first one's number
}

// next begins an element of so many bytes.
func (a *array) next(length int) {
	a.count++
	binary.BigEndian.PutUint32(a.bytes[arrayHeader-8:], a.count)
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, uint32(length)) // #nosec G115 -- a field of a notification
}

func (a *array) addText(text string) {
	a.next(len(text))
	a.bytes = append(a.bytes, text...)
}

func (a *array) addInt8(n int64) {
	a.next(8)
	a.bytes = binary.BigEndian.AppendUint64(a.bytes, uint64(n)) // #nosec G115 -- the same bits
}

func (a *array) addBool(b bool) {
	a.next(1)
	if b {
		a.bytes = append(a.bytes, 1)
	} else {
		a.bytes = append(a.bytes, 0)
	}
}

package listener

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func TestALargeHeaderIs431OverEitherVersionAndAHugeOneEndsTheConnection(t *testing.T) {
	overHTTP1(t, func(t *testing.T, b *bubble) {
		conn := b.dial()
		status := statusOf(conn)
		send(conn, "POST /x HTTP/1.1\r\nHost: h\r\nX: "+string(bytes.Repeat([]byte("x"), productionLimits().headerBytes+8<<10))+"\r\n\r\n")
		if got := <-status; got != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("answered %d", got)
		}
		b.wantCutOff(0)
	})
	for name, c := range map[string]struct {
		bytes int
		want  string
	}{
		"just within":             {productionLimits().headerBytes - 1<<10, "200"},
		"too much, in its end":    {productionLimits().headerBytes + 512, "431"},
		"more after it is enough": {2 * productionLimits().headerBytes, "GOAWAY PROTOCOL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			overHTTP2(t, endpoint, func(t *testing.T, b *bubble) {
				client := b.dialHTTP2(true)
				block := client.block("/x", field(c.bytes)...)
				client.send(func() error { return writeHeader(client.framer, block) })
				if got := client.status(); got != c.want {
					t.Errorf("the server said %q, want %q", got, c.want)
				}
			})
		})
	}
}

// field answers header fields that take so many bytes together, which the coding cannot make much smaller.
func field(size int) []hpack.HeaderField {
	var fields []hpack.HeaderField
	for i := 0; size > 0; i++ {
		n := min(size, 4<<10)
		fields = append(fields, hpack.HeaderField{Name: "x-" + strconv.Itoa(i), Value: string(bytes.Repeat([]byte("~"), n)), Sensitive: true})
		size -= n
	}
	return fields
}

func writeHeader(f *http2.Framer, block []byte) error {
	const most = 16 << 10
	first := min(most, len(block))
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:first], EndHeaders: first == len(block), EndStream: true}); err != nil {
		return err
	}
	for rest := block[first:]; len(rest) > 0; {
		n := min(most, len(rest))
		if err := f.WriteContinuation(1, n == len(rest), rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

package listener

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is a client that speaks HTTP/2 frame by frame, as badly as a test likes. What it does not read is lost.
type frames struct {
	conn   net.Conn
	framer *http2.Framer
	header bytes.Buffer
	coder  *hpack.Encoder
	write  chan func()
	over   chan struct{}
	read   chan http2.Frame
	deaf   atomic.Bool // reads no more
}

// overHTTP2 runs a test in plain http and over TLS, each in a bubble.
func overHTTP2(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, b *bubble)) {
	t.Helper()
	for name, how := range map[string]transports{"HTTP": {http2: true}, "TLS": {tls: true, http2: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, serveInBubble(t, how, handler)) })
		})
	}
}

// dialHTTP2 answers a client that has sent its preface and settings and reads what comes. It answers pings if it is to be alive.
func (b *bubble) dialHTTP2(alive bool, settings ...http2.Setting) *frames {
	b.t.Helper()
	c := &frames{conn: b.dial(), write: make(chan func(), 10_000), over: make(chan struct{}), read: make(chan http2.Frame, 10_000)}
	c.framer = http2.NewFramer(c.conn, c.conn)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.coder = hpack.NewEncoder(&c.header)
	go func() {
		for {
			select {
			case write := <-c.write:
				write()
			case <-c.over:
				return
			}
		}
	}()
	b.t.Cleanup(func() {
		_ = c.conn.Close()
		close(c.over)
	})
	c.send(func() error { _, err := io.WriteString(c.conn, http2.ClientPreface); return err })
	c.send(func() error { return c.framer.WriteSettings(settings...) })
	go func() {
		defer close(c.read)
		for {
			f, err := c.framer.ReadFrame()
			if err != nil || c.deaf.Load() {
				return
			}
			switch f := f.(type) {
			case *http2.SettingsFrame:
				if !f.IsAck() {
					c.send(c.framer.WriteSettingsAck)
				}
			case *http2.PingFrame:
				if data := f.Data; alive && !f.IsAck() {
					c.send(func() error { return c.framer.WritePing(true, data) })
				}
			case *http2.MetaHeadersFrame, *http2.RSTStreamFrame, *http2.GoAwayFrame:
				c.read <- f
			}
		}
	}()
	synctest.Wait()
	return c
}

// send writes in order, while the server may be writing too. An error says that the server has closed the connection.
func (c *frames) send(write func() error) {
	select {
	case c.write <- func() { _ = write() }:
	case <-c.over:
	}
}

// block is the header of a request with a body to come, and more fields if wanted.
func (c *frames) block(path string, more ...hpack.HeaderField) []byte {
	c.header.Reset()
	for _, f := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "localhost"}, {Name: ":path", Value: path},
	}, more...) {
		_ = c.coder.WriteField(f) // into memory
	}
	return bytes.Clone(c.header.Bytes())
}

// open begins a request.
func (c *frames) open(stream uint32, path string, ended bool) {
	block := c.block(path)
	c.send(func() error {
		return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true, EndStream: ended})
	})
}

// status is that of the next answer, as text; the name of the frame when it is no answer, "" when the connection has ended.
func (c *frames) status() string {
	switch f := (<-c.read).(type) {
	case *http2.MetaHeadersFrame:
		return f.PseudoValue("status")
	case *http2.RSTStreamFrame:
		return "RST_STREAM " + f.ErrCode.String()
	case *http2.GoAwayFrame:
		return "GOAWAY " + f.ErrCode.String()
	}
	return ""
}

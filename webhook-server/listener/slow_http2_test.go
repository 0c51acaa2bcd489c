package listener

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

func TestOverHTTP2ASlowStartIsCutOff(t *testing.T) {
	overHTTP2(t, endpoint, func(_ *testing.T, b *bubble) {
		conn := b.dial()
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		after := 10 * time.Second // http2prefaceTimeout
		if !b.how.tls {
			after = productionLimits().readHeader
		}
		b.wantCutOff(after)
	})
	overHTTP2(t, endpoint, func(_ *testing.T, b *bubble) {
		conn := b.dial()
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		send(conn, http2.ClientPreface) // and no settings
		b.wantCutOff(2 * time.Second)   // http2firstSettingsTimeout
	})
}

func TestOverHTTP2ASlowHeaderIsCutOff(t *testing.T) {
	l := productionLimits()
	for name, rest := range map[string]func(c *frames, header []byte){
		"that stops half-way": func(c *frames, header []byte) {
			c.send(func() error {
				return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header, EndStream: true})
			})
		},
		"that stops within a frame": func(c *frames, _ []byte) { send(c.conn, "\x00\x00\x20\x01\x05\x00") },
		"that trickles": func(c *frames, header []byte) {
			c.send(func() error {
				return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header[:1], EndStream: true})
			})
			c.send(func() error {
				for _, b := range header[1:] {
					time.Sleep(time.Second)
					if err := c.framer.WriteContinuation(1, false, []byte{b}); err != nil {
						return err
					}
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			overHTTP2(t, endpoint, func(t *testing.T, b *bubble) {
				c := b.dialHTTP2(true)
				rest(c, c.block("/"+string(bytes.Repeat([]byte("x"), 100))))
				if got := b.cutOff(); got > l.ping+l.pingAnswer+time.Second {
					t.Errorf("cut off after %s, want %s", got, l.ping+l.pingAnswer)
				}
			})
		})
	}
}

func TestOverHTTP2APeerThatHasGoneIsCutOffAndOneThatIsThereAfterTheIdleTime(t *testing.T) {
	l := productionLimits()
	overHTTP2(t, endpoint, func(_ *testing.T, b *bubble) {
		b.dialHTTP2(false)
		b.wantCutOff(l.ping + l.pingAnswer)
	})
	overHTTP2(t, endpoint, func(_ *testing.T, b *bubble) {
		b.dialHTTP2(true)
		b.wantCutOff(l.idle + time.Second) // http2goAwayTimeout
	})
}

func TestOverHTTP2ASlowBodyIsAnsweredAndItsStreamEnds(t *testing.T) {
	for path, want := range map[string]struct {
		status string
		after  time.Duration
	}{"/read": {"503", bodyTimeout}, "/refused": {"401", drainTimeout}} {
		for name, trickles := range map[string]bool{"stops": false, "trickles": true} {
			t.Run(path+" "+name, func(t *testing.T) {
				overHTTP2(t, endpoint, func(t *testing.T, b *bubble) {
					c := b.dialHTTP2(true)
					start := time.Now()
					c.open(1, path, false)
					if trickles {
						c.send(func() error {
							for range 60 {
								time.Sleep(time.Second / 4)
								if err := c.framer.WriteData(1, false, []byte("{")); err != nil {
									return err
								}
							}
							return nil
						})
					}
					if got := c.status(); got != want.status {
						t.Errorf("answered %s, want %s", got, want.status)
					}
					// What the handler has not waited for, the drain has.
					if got := c.status(); got != "RST_STREAM NO_ERROR" {
						t.Errorf("then %s", got)
					}
					if got := time.Since(start); got > want.after+2*drainTimeout {
						t.Errorf("the stream ended after %s, want %s", got, want.after)
					}
				})
			})
		}
	}
}

// It goes on sending, so that it is not gone, and lets the whole answer through, so that nothing but its not reading holds it up.
func TestOverHTTP2APeerThatReadsNothingIsCutOff(t *testing.T) {
	overHTTP2(t, endpoint, func(t *testing.T, b *bubble) {
		c := b.dialHTTP2(true, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 21})
		c.send(func() error { return c.framer.WriteWindowUpdate(0, 1<<21) })
		c.open(1, "/large", true)
		if got := c.status(); got != "200" {
			t.Fatalf("answered %s", got)
		}
		c.deaf.Store(true)
		c.send(func() error {
			for {
				time.Sleep(time.Second)
				if err := c.framer.WriteWindowUpdate(0, 1); err != nil {
					return err
				}
			}
		})
		c.open(3, "/large", true)
		after := productionLimits().writeProgress + time.Second
		if b.how.tls {
			after += 5 * time.Second // crypto/tls tries to say goodbye
		}
		if got := b.cutOff(); got > after {
			t.Errorf("cut off after %s, want %s", got, after)
		}
	})
}

func TestOverHTTP2AnAnswerThatIsNotLetThroughIsGivenUp(t *testing.T) {
	overHTTP2(t, endpoint, func(t *testing.T, b *bubble) {
		c := b.dialHTTP2(true, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		start := time.Now()
		c.open(1, "/read", true)
		if got := c.status(); got != "200" {
			t.Fatalf("answered %s", got)
		}
		if got := c.status(); got != "RST_STREAM INTERNAL_ERROR" || time.Since(start) != productionLimits().write {
			t.Errorf("%s after %s", got, time.Since(start))
		}
	})
}

func TestRapidResetsRunNoMoreHandlersThanStreamsAndEndTheConnection(t *testing.T) {
	var running, most atomic.Int64
	leave := make(chan struct{})
	blocked := func(http.ResponseWriter, *http.Request) {
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-leave
		running.Add(-1)
	}
	synctest.Test(t, func(t *testing.T) {
		leave = make(chan struct{})
		b := serveInBubble(t, transports{tls: true, http2: true}, http.HandlerFunc(blocked))
		c := b.dialHTTP2(true)
		streams := productionLimits().streams
		for i := range 10 * streams {
			id := uint32(2*i + 1)
			c.open(id, "/", true)
			c.send(func() error { return c.framer.WriteRSTStream(id, http2.ErrCodeCancel) })
		}
		if got := c.status(); got != "GOAWAY ENHANCE_YOUR_CALM" {
			t.Errorf("the server said %q", got)
		}
		if got := most.Load(); got > int64(streams) {
			t.Errorf("%d handlers at once, want at most %d", got, streams)
		}
		close(leave)
		b.wantCutOff(time.Second)
	})
}

package listener

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// What the handlers have not read of their bodies is what an HTTP/2 connection costs in memory.
func TestTheUnreadBodiesOfAConnectionAreBounded(t *testing.T) {
	const frame = 8 << 10
	for name, c := range map[string]struct {
		more int // frames beyond the bound
		want string
	}{"up to the bound they wait": {0, ""}, "beyond it the stream is reset": {1, "RST_STREAM FLOW_CONTROL_ERROR"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				leave := make(chan struct{})
				b := serveInBubble(t, transports{tls: true, http2: true}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-leave }))
				defer close(leave)
				client := b.dialHTTP2(true)
				for i := range productionLimits().connectionBytes/frame + c.more {
					stream := uint32(2*i + 1)
					client.open(stream, "/", false)
					client.send(func() error { return client.framer.WriteData(stream, false, make([]byte, frame)) })
				}
				time.Sleep(time.Second)
				got := ""
				if len(client.read) > 0 {
					got = client.status()
				}
				if got != c.want {
					t.Errorf("the server said %q, want %q", got, c.want)
				}
			})
		})
	}
}

// BenchmarkStreams is what requests on one HTTP/2 connection cost, a hundred at once, by what it may buffer of their bodies.
func BenchmarkStreams(b *testing.B) {
	for _, body := range []int{1 << 10, 64 << 10} {
		for _, buffered := range []int{64 << 10, 128 << 10, 256 << 10, 1 << 20} {
			b.Run(strconv.Itoa(body>>10)+"KiB bodies, "+strconv.Itoa(buffered>>10)+"KiB buffered", func(b *testing.B) {
				l := productionLimits()
				l.connectionBytes = buffered
				server := httptest.NewUnstartedServer(nil)
				server.Config = l.server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := httpx.ReadBody(w, r, 64<<10, bodyTimeout); err != nil {
						w.WriteHeader(http.StatusBadRequest)
						return
					}
					w.WriteHeader(http.StatusNoContent)
				}), slog.New(slog.DiscardHandler))
				server.EnableHTTP2 = true
				server.StartTLS()
				defer server.Close()
				transport := server.Client().Transport.(*http.Transport).Clone()
				transport.TLSClientConfig.MinVersion = tls.VersionTLS13
				defer transport.CloseIdleConnections()
				streams(b, &http.Client{Transport: transport}, server.URL, bytes.Repeat([]byte("x"), body))
			})
		}
	}
}

func streams(b *testing.B, client *http.Client, url string, body []byte) {
	b.Helper()
	b.SetBytes(int64(len(body)))
	next := make(chan struct{})
	var running sync.WaitGroup
	for range 100 {
		running.Go(func() {
			for range next {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				answer, err := client.Do(request)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusNoContent || answer.ProtoMajor != 2 {
					b.Errorf("%s %d", answer.Proto, answer.StatusCode)
					return
				}
			}
		})
	}
	for b.Loop() {
		next <- struct{}{}
	}
	close(next)
	running.Wait()
}

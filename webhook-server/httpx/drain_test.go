package httpx_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

func TestABodyThatWasNotLookedAtIsStillTakenOverHTTP2(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	server := httptest.NewUnstartedServer(httpx.Drain(1<<10, 10*time.Second, refuse))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)

	for name, size := range map[string]int{"a small one, whole": 1 << 10, "of a large one no more than the limit": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			body := &counted{Reader: strings.NewReader(strings.Repeat("x", size))}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusUnauthorized || response.ProtoMajor != 2 {
				t.Errorf("answered %s %d", response.Proto, response.StatusCode)
			}
			if size <= 1<<10 && body.n != size {
				t.Errorf("only %d of %d bytes were taken before the answer", body.n, size)
			}
		})
	}
}

// counted counts what is read of a request's body until its end has been seen.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func TestOverHTTP1AnAnswerDoesNotWaitForABodyThatNobodyReads(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	server := httptest.NewServer(httpx.Drain(1<<10, time.Millisecond, refuse))
	t.Cleanup(server.Close)
	for name, framing := range map[string]string{"with a length": "Content-Length: 300\r\n", "chunked": "Transfer-Encoding: chunked\r\n"} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\n"+framing+"\r\n"); err != nil {
				t.Fatal(err)
			}
			// The body never comes, and nothing else sets a deadline on this server: without one the answer would never come either.
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusUnauthorized || !response.Close {
				t.Errorf("answered %d, close %v", response.StatusCode, response.Close)
			}
		})
	}
}

func TestABodyThatWasReadKeepsTheConnectionAndTheContext(t *testing.T) {
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpx.ReadBody(w, r, 100, time.Second); err != nil || r.Context().Err() != nil {
			t.Errorf("got %v, %v", err, r.Context().Err())
		}
	})
	server := httptest.NewServer(httpx.Drain(1<<10, time.Nanosecond, read))
	t.Cleanup(server.Close)
	for range 3 {
		response, err := server.Client().Post(server.URL, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || response.Close {
			t.Errorf("answered %d, close %v", response.StatusCode, response.Close)
		}
	}
}

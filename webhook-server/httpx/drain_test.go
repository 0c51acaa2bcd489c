package httpx_test

import (
	"io"
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

package discovery_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/discovery"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// observer keeps what it is told.
type observer struct {
	mu   sync.Mutex
	last [3]string // document, outcome, gateway
}

func (o *observer) Answered(d discovery.Document, outcome discovery.Outcome, g *serving.Gateway) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = [3]string{string(d), string(outcome), ""}
	if g != nil {
		o.last[2] = g.GatewayID
	}
}

// endpoint is the handler on a real server.
type endpoint struct {
	*fixture.World
	t        *testing.T
	options  discovery.Options
	handler  *discovery.Handler
	observer *observer
	server   *httptest.Server
}

func newEndpoint(t *testing.T, change ...func(*discovery.Options)) *endpoint {
	t.Helper()
	e := &endpoint{World: fixture.New(t), t: t, observer: new(observer)}
	e.options = discovery.Options{
		Snapshot: e.State.Snapshot, Ready: e.State.Synced, Observer: e.observer, Logger: slog.New(slog.DiscardHandler), RetryAfter: 2 * time.Second,
	}
	for _, c := range change {
		c(&e.options)
	}
	e.handler = discovery.NewHandler(e.options)
	e.server = httptest.NewServer(e.handler)
	t.Cleanup(e.server.Close)
	return e
}

// answer is what came back, its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (e *endpoint) send(method, path string) answer {
	e.t.Helper()
	out, err := http.NewRequestWithContext(e.t.Context(), method, e.server.URL+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	in, err := http.DefaultTransport.RoundTrip(out) // it follows no redirect
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = in.Body.Close() }()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return answer{in.StatusCode, in.Header, string(body)}
}

// get reads a document into v.
func (e *endpoint) get(path string, v any) {
	e.t.Helper()
	got := e.send(http.MethodGet, path)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" || got.header.Get("Cache-Control") != "public, max-age=300" {
		e.t.Fatalf("%s is answered %d %v %s", path, got.status, got.header, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), v); err != nil {
		e.t.Fatal(err)
	}
}

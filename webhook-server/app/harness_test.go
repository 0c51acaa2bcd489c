package app_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

// world is a running server, the directory it serves and the merchant backend it delivers to.
type world struct {
	*fixture.World
	t          *testing.T
	dir        string
	options    app.Options
	server     *app.Server
	log        *lockedBuffer
	backendURL string
	deliveries chan merchant.Delivery
}

// start runs a server with the base documents, changed as the test likes.
func start(t *testing.T, change func(w *world)) *world {
	t.Helper()
	w := &world{World: fixture.New(t), t: t, dir: t.TempDir(), log: &lockedBuffer{}, deliveries: make(chan merchant.Delivery, 64)}
	handler, err := merchant.New(merchant.Options{Secrets: []string{fixture.DeliverySecret}, OnDelivery: func(d merchant.Delivery) { w.deliveries <- d }})
	if err != nil {
		t.Fatal(err)
	}
	backend := httptest.NewServer(handler)
	t.Cleanup(backend.Close)
	w.backendURL = backend.URL + "/d1"
	w.Gateway.Delivery.URL = w.backendURL
	w.Client.TokensNotBefore = time.Time{}
	w.options = app.Options{
		StateDir: w.dir, Store: "sqlite:" + filepath.Join(t.TempDir(), "store.db"),
		D1Address: "127.0.0.1:0", MetricsAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", InsecureHTTP: true,
		DeliveryAllow:         []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		MaxConcurrentRequests: 64, MaxConnections: 256, Retention: time.Hour, DeadRetention: time.Hour,
		Logger: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now,
	}
	if change != nil {
		change(w)
	}
	w.write()
	w.run()
	t.Cleanup(w.stop)
	return w
}

// write puts the documents into the state directory.
func (w *world) write() {
	w.t.Helper()
	for _, d := range []api.Document{w.Secrets, w.Gateway, w.Client} {
		data, err := api.Encode(d)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.dir, d.Head().ObjectName()+".json"), data, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) run() {
	w.t.Helper()
	server, err := app.New(w.t.Context(), w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = server
	server.Start()
}

// stop ends the server; a second call does nothing.
func (w *world) stop() {
	if w.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := w.server.Stop(ctx); err != nil {
		w.t.Errorf("stopping: %v", err)
	}
	w.server = nil
}

func (w *world) url() string { return "http://" + w.server.Addr().String() }

func (w *world) metricsURL(path string) string {
	return "http://" + w.server.MetricsAddr().String() + path
}

// delivered is the next delivery.
func (w *world) delivered() merchant.Delivery {
	w.t.Helper()
	select {
	case d := <-w.deliveries:
		return d
	case <-time.After(10 * time.Second):
		w.t.Fatalf("nothing was delivered; log:\n%s", w.log)
		return merchant.Delivery{}
	}
}

// answer is one HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	proto  string
}

func do(t *testing.T, client *http.Client, method, url, body string, header map[string]string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		request.Header.Set(k, v)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text), response.Proto}
}

func t0(t *testing.T, client *http.Client, base string) answer {
	t.Helper()
	return do(t, client, http.MethodPost, base+fixture.TokenPath, "grant_type=client_credentials",
		map[string]string{"Authorization": fixture.Basic, "Content-Type": "application/x-www-form-urlencoded"})
}

func n0(t *testing.T, client *http.Client, base, token string) answer {
	t.Helper()
	header := map[string]string{"Content-Type": "application/json", "x-correlation-id": "c-1"}
	if token != "" {
		header["Authorization"] = "Bearer " + token
	}
	return do(t, client, http.MethodPost, base+fixture.NotifyPath, `{"updateType":"TOKEN_STATE_CHANGE"}`, header)
}

// lockedBuffer is a log that the server writes while the test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// eventually tries until ok or ten seconds are over.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal(what)
		case <-tick.C:
		}
	}
}

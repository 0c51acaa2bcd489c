package admin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// The destinations of the tests: two of one gateway, one of another namespace's.
const (
	shopLane  = "payments/acme/MGW_000001"
	ownLane   = "payments/acme/MGW_000001/40010000001"
	otherLane = "travel/jet/MGW_000002"
)

// world is an administration API over a real store, called over HTTP.
type world struct {
	t       *testing.T
	store   *sqlite.Store
	url     string
	http    *http.Client
	token   string // of the calls; empty sends none
	log     *logBuffer
	changed atomic.Int32

	mu  sync.Mutex
	now time.Time
	ids int
}

// serve starts one with what change makes of the options.
func serve(t *testing.T, change func(*world, *admin.Options)) *world {
	t.Helper()
	w := &world{t: t, now: start, log: &logBuffer{}, http: &http.Client{Transport: newJudge(t)}}
	logger := slog.New(slog.NewJSONHandler(w.log, nil))
	var err error
	w.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "s.db"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	o := admin.Options{
		Store: w.store, Lanes: func() []string { return []string{shopLane, ownLane, otherLane} }, Changed: func() { w.changed.Add(1) },
		Open: true, Logger: logger, Now: w.clock,
	}
	if change != nil {
		change(w, &o)
	}
	handler, err := admin.NewHandler(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// add accepts a notification now and lets it reach a state by one attempt, and answers its id.
func (w *world) add(lane string, state store.State, change ...func(*store.Notification)) string {
	w.t.Helper()
	w.ids++
	n := store.Notification{
		ID: fmt.Sprintf("00000000-0000-7000-8000-%012d", w.ids), MerchantID: "40010000001", TokenID: fmt.Sprintf("tok_%d", w.ids),
		GatewayID: strings.Split(lane, "/")[2], UpdateType: "CARD_UPDATE", CorrelationID: fmt.Sprintf("c-%d", w.ids), ReceivedAt: w.clock(), Lane: lane,
	}
	for _, f := range change {
		f(&n)
	}
	if _, err := w.store.Append(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
	switch state {
	case store.Delivered:
		w.attempt(n, store.Outcome{State: state, Status: 204})
	case store.Dead:
		w.attempt(n, store.Outcome{State: state, Reason: "gone", Status: 410})
	}
	return n.ID
}

// attempt records the outcome of an attempt that ends now. Nothing else of the lane may be due.
func (w *world) attempt(n store.Notification, o store.Outcome) {
	w.t.Helper()
	claimed, err := w.store.Claim(w.t.Context(), n.Lane, w.clock(), 1000, time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range claimed {
		if c.ID != n.ID {
			if err := w.store.Release(w.t.Context(), c.ID, c.Lease); err != nil {
				w.t.Fatal(err)
			}
			continue
		}
		o.ID, o.Lease, o.At, o.Took = n.ID, c.Lease, w.clock(), 42*time.Millisecond
		if err := w.store.Record(w.t.Context(), o); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.t.Fatalf("%s was not due", n.ID)
}

// call answers the status and the body of a request.
func (w *world) call(method, target, body string) (int, string) {
	w.t.Helper()
	status, _, text := w.send(method, target, body)
	return status, text
}

// answer answers the status and the header of a request without a body.
func (w *world) answer(method, target string, header ...string) (int, http.Header) {
	w.t.Helper()
	status, answered, _ := w.send(method, target, "", header...)
	return status, answered
}

func (w *world) send(method, target, body string, header ...string) (status int, answered http.Header, text string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+target, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if w.token != "" {
		request.Header.Set("Authorization", "Bearer "+w.token)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := w.http.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(raw)
}

// get and post want 200 and read the answer.
func (w *world) get(target string, into any) {
	w.t.Helper()
	w.want(http.MethodGet, target, "", into)
}

func (w *world) post(target, body string, into any) {
	w.t.Helper()
	w.want(http.MethodPost, target, body, into)
}

func (w *world) want(method, target, body string, into any) {
	w.t.Helper()
	status, text := w.call(method, target, body)
	if status != http.StatusOK {
		w.t.Fatalf("%s %s %s: %d %s", method, target, body, status, text)
	}
	reflect.ValueOf(into).Elem().SetZero() // what the answer before had does not show through
	if err := json.Unmarshal([]byte(text), into); err != nil {
		w.t.Fatal(err)
	}
}

// refused wants a status, and an error that names what is wrong.
func (w *world) refused(status int, name, method, target, body string) {
	w.t.Helper()
	got, text := w.call(method, target, body)
	var problem wire.Problem
	if err := json.Unmarshal([]byte(text), &problem); err != nil || got != status || !strings.Contains(problem.Error, name) {
		w.t.Errorf("%s %s %s: %d %s; want %d and %q", method, target, body, got, text, status, name)
	}
}

// listed answers the ids of a list.
func (w *world) listed(query string) []string {
	w.t.Helper()
	var page wire.Notifications
	w.get("/v1/notifications"+query, &page)
	ids := make([]string, len(page.Items))
	for i, n := range page.Items {
		ids[i] = n.ID
	}
	return ids
}

// audits answers the lines about changes.
func (w *world) audits() []map[string]any {
	w.t.Helper()
	var found []map[string]any
	for line := range strings.Lines(w.log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			w.t.Fatal(err)
		}
		if fields["audit"] != nil {
			found = append(found, fields)
		}
	}
	return found
}

type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

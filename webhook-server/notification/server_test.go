package notification_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

// outbox is a store in memory that can be made to fail, and to merge.
type outbox struct {
	mu    sync.Mutex
	kept  []store.Notification
	fails func(context.Context) error
	// into, when set, is the id of what everything with Merge is merged into.
	into string
}

func (o *outbox) Append(ctx context.Context, n store.Notification) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fails != nil {
		if err := o.fails(ctx); err != nil {
			return "", err
		}
	}
	if n.Merge && o.into != "" {
		return o.into, nil
	}
	o.kept = append(o.kept, n)
	return n.ID, nil
}

// observer keeps what it is told.
type observer struct {
	mu           sync.Mutex
	outcomes     []notification.Outcome
	undocumented int
}

func (o *observer) Answered(outcome notification.Outcome, _ *serving.Gateway, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.outcomes = append(o.outcomes, outcome)
}

func (o *observer) UndocumentedUpdateType(*serving.Gateway) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.undocumented++
}

// newVerify makes the check of access tokens that the server wires in, on connections without a client certificate.
func newVerify() func(*http.Request, *serving.Gateway, *serving.Snapshot, string, time.Time) (*serving.Client, error) {
	v := accesstoken.NewVerifier(16, new(accesstoken.Revocations))
	return func(_ *http.Request, g *serving.Gateway, s *serving.Snapshot, raw string, now time.Time) (*serving.Client, error) {
		live, err := v.Verify(g, s, raw, now)
		if err != nil {
			return nil, err
		}
		if err := live.Permits(api.NotifyScope); err != nil {
			return nil, err
		}
		return live.Client, nil
	}
}

// ecomDocument is read once for all tests.
var ecomDocument = sync.OnceValues(func() (*conform.Checker, error) { return conform.NewChecker(conform.Ecom) })

// endpoint is a notification endpoint on a real server.
type endpoint struct {
	*fixture.World
	t        *testing.T
	options  notification.Options
	store    *outbox
	observer *observer
	log      *bytes.Buffer
	woken    chan string
	now      time.Time
	server   *httptest.Server
	checker  *conform.Checker
}

func newEndpoint(t *testing.T, change ...func(*notification.Options)) *endpoint {
	t.Helper()
	e := &endpoint{
		World: fixture.New(t), t: t, store: new(outbox), observer: new(observer), log: new(bytes.Buffer), woken: make(chan string, 100), now: fixture.Now(),
	}
	var err error
	if e.checker, err = ecomDocument(); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(api.MaskingHandler(slog.NewJSONHandler(e.log, nil)))
	e.options = notification.Options{
		Snapshot:   e.State.Snapshot,
		Ready:      e.State.Synced,
		Verify:     newVerify(),
		Store:      e.store,
		Wake:       func(lane string) { e.woken <- lane },
		Now:        func() time.Time { return e.now },
		Logger:     logger,
		Observer:   e.observer,
		Timeout:    10 * time.Second,
		RetryAfter: 2 * time.Second,
	}
	for _, c := range change {
		c(&e.options)
	}
	e.server = httptest.NewUnstartedServer(notification.NewHandler(e.options))
	e.server.EnableHTTP2 = true
	e.server.StartTLS()
	t.Cleanup(e.server.Close)
	return e
}

// bearer is the Authorization value with a fresh access token.
func (e *endpoint) bearer() string {
	e.t.Helper()
	return "Bearer " + e.AccessToken(e.now)
}

// request is N0 with what a case changes.
type request struct {
	method, path string
	header       http.Header
	body         string
}

func (e *endpoint) n0() request {
	e.t.Helper()
	return request{
		method: http.MethodPost, path: fixture.NotifyPath, body: `{"updateType":"TOKEN_STATE_CHANGE"}`,
		header: http.Header{"Authorization": {e.bearer()}, "X-Correlation-Id": {"c-1"}, "Content-Type": {"application/json"}},
	}
}

// answer is what came back, its body read.
type answer struct {
	status int
	proto  string
	header http.Header
	body   string
}

func (e *endpoint) send(r request) answer {
	e.t.Helper()
	out, err := http.NewRequestWithContext(e.t.Context(), r.method, e.server.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		e.t.Fatal(err)
	}
	out.Header = r.header
	in, err := e.server.Client().Do(out)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = in.Body.Close() }()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	e.wantConforming(r, conform.Answer{Status: in.StatusCode, Header: in.Header, Body: body})
	return answer{in.StatusCode, in.Proto, in.Header, string(body)}
}

// wantConforming holds every answer to a notify-update call against the D1 document.
func (e *endpoint) wantConforming(r request, a conform.Answer) {
	e.t.Helper()
	if _, ok := notification.ParsePath(strings.Split(r.path, "?")[0]); !ok || r.method != http.MethodPost {
		return
	}
	for _, v := range e.checker.Check(conform.Notify, a) {
		e.t.Errorf("%d does not conform: %s", a.Status, v)
	}
}

// wire serves the handler in plain HTTP/1.1, sends text as it is and answers all that comes until the server closes.
func (e *endpoint) wire(parts ...string) string {
	e.t.Helper()
	server := httptest.NewServer(notification.NewHandler(e.options))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var got strings.Builder
	for i, part := range parts {
		if i > 0 {
			// What follows is sent once the server has asked for it.
			first := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
			if _, err := io.ReadFull(conn, first); err != nil {
				e.t.Fatal(err)
			}
			got.Write(first)
		}
		if _, err := io.WriteString(conn, part); err != nil {
			e.t.Fatal(err)
		}
	}
	rest, err := io.ReadAll(conn)
	if err != nil {
		e.t.Fatal(err)
	}
	got.Write(rest)
	return got.String()
}

// The answers of the contract.

func (e *endpoint) wantAccepted(a answer) {
	e.t.Helper()
	if a.status != http.StatusNoContent || a.body != "" || a.header.Get("Content-Type") != "" || a.header.Get("Content-Length") != "" {
		e.t.Errorf("answered %d %v %s", a.status, a.header, a.body)
	}
}

func (e *endpoint) wantField(a answer, field string) {
	e.t.Helper()
	e.wantJSON(a, http.StatusBadRequest, `{"errorCode":"FIELD_INVALID_FORMAT","error":"`+field+`"}`)
}

func (e *endpoint) wantJSON(a answer, status int, body string) {
	e.t.Helper()
	if a.status != status || a.body != body || a.header.Get("Content-Type") != "application/json" {
		e.t.Errorf("answered %d %v %s, want %d %s", a.status, a.header, a.body, status, body)
	}
}

// wantUnauthorized wants a challenge with that error, or without one when it is empty.
func (e *endpoint) wantUnauthorized(a answer, problem string) {
	e.t.Helper()
	want := `Bearer realm="d1"`
	if problem != "" {
		want += `, error="` + problem + `"`
	}
	if a.status != http.StatusUnauthorized || a.body != "" || a.header.Get("Www-Authenticate") != want || a.header.Get("Content-Type") != "" {
		e.t.Errorf("answered %d %v %s, want the challenge %s", a.status, a.header, a.body, want)
	}
}

func (e *endpoint) wantUnavailable(a answer) {
	e.t.Helper()
	if a.status != http.StatusServiceUnavailable || a.body != "" || a.header.Get("Retry-After") != "2" || a.header.Get("Content-Type") != "" {
		e.t.Errorf("answered %d %v %s", a.status, a.header, a.body)
	}
}

// wantKept wants that many notifications in the store.
func (e *endpoint) wantKept(count int) {
	e.t.Helper()
	if len(e.store.kept) != count {
		e.t.Errorf("%d notifications are kept, want %d", len(e.store.kept), count)
	}
}

func (e *endpoint) wantOutcome(want notification.Outcome) {
	e.t.Helper()
	if n := len(e.observer.outcomes); n == 0 || e.observer.outcomes[n-1] != want {
		e.t.Errorf("outcomes %v, want %s last", e.observer.outcomes, want)
	}
}

// disableOAuth makes the client certificate decide alone, by the given check.
func (e *endpoint) disableOAuth() {
	e.t.Helper()
	e.requireCertificate()
	e.Gateway.OAuthDisabled = true
	e.Publish()
}

func (e *endpoint) requireCertificate() {
	e.t.Helper()
	e.Secrets.CABundles = []api.CABundle{{ID: "thales", PEM: fixture.CABundle(e.t)}}
	e.Gateway.ClientCertificate = &api.ClientCertificate{CABundle: "thales"}
	e.Publish()
}

var errAny = errors.New("any")

package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// observer keeps what it is told.
type observer struct {
	mu            sync.Mutex
	outcomes      []token.Outcome
	authenticated []string // credential ids
	signed        []string // key ids
	failed        []clientauth.Reason
}

func (o *observer) Answered(outcome token.Outcome, _ *serving.Client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.outcomes = append(o.outcomes, outcome)
}

func (o *observer) Signed(_ *serving.Client, keyID string, _ time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.signed = append(o.signed, keyID)
}

func (o *observer) Authenticated(_ *serving.Client, credentialID string, _ time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.authenticated = append(o.authenticated, credentialID)
}

func (o *observer) AuthenticationFailed(_ *serving.Client, reason clientauth.Reason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = append(o.failed, reason)
}

// noThumbprint is that of connections without a client certificate.
func noThumbprint(*http.Request, *serving.Gateway) (string, error) {
	return "", errors.New("the connection has no client certificate")
}

// ecomDocument is read once for all tests.
var ecomDocument = sync.OnceValues(func() (*conform.Checker, error) { return conform.NewChecker(conform.Ecom) })

// endpoint is a token endpoint on a real server, with the state it serves and a clock that stands still until it is moved.
type endpoint struct {
	*fixture.World
	t        *testing.T
	observer *observer
	log      *bytes.Buffer
	now      time.Time
	// thumbprint is that of the client certificate of every connection; empty when it has none.
	thumbprint string
	server     *httptest.Server
	checker    *conform.Checker
}

func newEndpoint(t *testing.T, change ...func(*clientauth.Options)) *endpoint {
	t.Helper()
	e := &endpoint{World: fixture.New(t), t: t, observer: new(observer), log: new(bytes.Buffer), now: fixture.Now()}
	var err error
	if e.checker, err = ecomDocument(); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(api.MaskingHandler(slog.NewJSONHandler(e.log, nil)))
	defaults := func(o *clientauth.Options) {
		o.Now = func() time.Time { return e.now }
		o.Observer, o.Logger, o.BodyTimeout = e.observer, logger, 10*time.Second
	}
	e.server = httptest.NewServer(token.NewHandler(token.Options{
		Clients: e.Authenticator(append([]func(*clientauth.Options){defaults}, change...)...),
		Thumbprint: func(r *http.Request, g *serving.Gateway) (string, error) {
			if e.thumbprint == "" {
				return noThumbprint(r, g)
			}
			return e.thumbprint, nil
		},
		Observer: e.observer, Logger: logger, RetryAfter: 2 * time.Second,
	}))
	t.Cleanup(e.server.Close)
	return e
}

// request is T0 with what a case changes.
type request struct {
	method, path, contentType, body string
	authorization                   []string
	header                          map[string]string
}

func t0() request {
	return request{
		method: http.MethodPost, path: fixture.TokenPath, contentType: "application/x-www-form-urlencoded",
		body: "grant_type=client_credentials", authorization: []string{fixture.Basic},
	}
}

// answer is what came back, its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (e *endpoint) send(r request) answer {
	e.t.Helper()
	out, err := http.NewRequestWithContext(e.t.Context(), r.method, e.server.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		e.t.Fatal(err)
	}
	if r.contentType != "" {
		out.Header.Set("Content-Type", r.contentType)
	}
	out.Header["Authorization"] = r.authorization
	for name, value := range r.header {
		out.Header.Set(name, value)
	}
	in, err := e.server.Client().Do(out)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = in.Body.Close() }()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	if r.method == http.MethodPost && r.path == fixture.TokenPath {
		for _, v := range e.checker.Check(conform.Token, conform.Answer{Status: in.StatusCode, Header: in.Header, Body: body}) {
			e.t.Errorf("%d does not conform to the D1 document: %s", in.StatusCode, v)
		}
	}
	return answer{in.StatusCode, in.Header, string(body)}
}

// wire sends bytes as they are and answers all that comes until the server closes.
func (e *endpoint) wire(text string) string {
	e.t.Helper()
	conn, err := net.Dial("tcp", e.server.Listener.Addr().String())
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, text); err != nil {
		e.t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(all)
}

// issue is T0, and answers the access token.
func (e *endpoint) issue() string {
	e.t.Helper()
	return e.wantOK(e.send(t0()))["access_token"].(string)
}

func (e *endpoint) wantUncached(a answer) {
	e.t.Helper()
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" {
		e.t.Errorf("caches may keep it: %v", a.header)
	}
}

func (e *endpoint) wantOK(a answer) map[string]any {
	e.t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		e.t.Fatalf("answered %d %q %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	e.wantUncached(a)
	var members map[string]any
	if err := json.Unmarshal([]byte(a.body), &members); err != nil {
		e.t.Fatal(err)
	}
	for name := range members {
		if !slices.Contains([]string{"access_token", "token_type", "expires_in", "expires_at", "scope"}, name) {
			e.t.Errorf("member %s is not documented", name)
		}
	}
	if members["token_type"] != "Bearer" {
		e.t.Errorf("token_type is %v", members["token_type"])
	}
	return members
}

func (e *endpoint) wantInvalidClient(a answer) {
	e.t.Helper()
	e.wantUncached(a)
	if a.status != http.StatusUnauthorized || a.body != `{"error":"invalid_client"}` ||
		a.header.Get("Www-Authenticate") != `Basic realm="d1", charset="UTF-8"` || a.header.Get("Content-Type") != "application/json" {
		e.t.Errorf("answered %d %v %s", a.status, a.header, a.body)
	}
}

func (e *endpoint) wantBadRequest(a answer, problem string) {
	e.t.Helper()
	e.wantUncached(a)
	if a.status != http.StatusBadRequest || a.body != `{"error":"`+problem+`","errorCode":"FIELD_INVALID_FORMAT"}` || a.header.Get("Content-Type") != "application/json" {
		e.t.Errorf("answered %d %v %s, want %s", a.status, a.header, a.body, problem)
	}
}

func (e *endpoint) wantUnavailable(a answer) {
	e.t.Helper()
	e.wantUncached(a)
	if a.status != http.StatusServiceUnavailable || a.body != "" || a.header.Get("Retry-After") != "2" || a.header.Get("Content-Type") != "" {
		e.t.Errorf("answered %d %v %s", a.status, a.header, a.body)
	}
}

// Package tokenformtest is what every endpoint of tokenform must do, and the fixture to test the rest with. Only tests import it.
package tokenformtest

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform"
)

// Make makes the handler that is tested.
type Make func(*Endpoint) http.Handler

// Endpoint is an endpoint on a real server, with the state it serves and a clock that stands still until it is moved.
type Endpoint struct {
	*fixture.World
	T *testing.T
	// Path is the endpoint's of the base gateway.
	Path        string
	Options     tokenform.Options
	Clients     clientauth.Options
	Revocations *accesstoken.Revocations
	Observer    *Observer
	Log         *bytes.Buffer
	Now         time.Time
	server      *httptest.Server
}

// New starts the endpoint that lies at path below the path of an issuer. What change alters is what it starts with.
func New(t *testing.T, path string, newHandler Make, change ...func(*Endpoint)) *Endpoint {
	t.Helper()
	e := &Endpoint{
		World: fixture.New(t), T: t, Path: "/merchant-gateways/" + fixture.GatewayID + path,
		Revocations: new(accesstoken.Revocations), Observer: new(Observer), Log: new(bytes.Buffer), Now: fixture.Now(),
	}
	logger := slog.New(api.MaskingHandler(slog.NewJSONHandler(e.Log, nil)))
	e.Clients = clientauth.Options{
		Snapshot: e.State.Snapshot, Ready: e.State.Synced, Now: func() time.Time { return e.Now }, Logger: logger,
		Source:      func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
		Certificate: func(*http.Request, *serving.Gateway) (*x509.Certificate, error) { return nil, errors.New("none") },
		Matches:     func(*x509.Certificate, api.CertificateRules) error { return errors.New("none") },
		Anonymous:   httpx.NewFair[netip.Addr](16),
		Observer:    e.Observer, BodyTimeout: 10 * time.Second, AnonymousBodyTimeout: 3 * time.Second,
	}
	for _, c := range change {
		c(e)
	}
	e.Options = tokenform.Options{
		Snapshot: e.Clients.Snapshot, Ready: e.Clients.Ready,
		Clients: clientauth.New(e.Clients), Verifier: accesstoken.NewVerifier(16, e.Revocations), Observer: e.Observer,
		Logger: logger, RetryAfter: 2 * time.Second,
	}
	e.server = httptest.NewServer(newHandler(e))
	t.Cleanup(e.server.Close)
	return e
}

// Observer keeps what it is told.
type Observer struct {
	mu       sync.Mutex
	outcomes []tokenform.Outcome
	clients  []string
}

// Answered implements tokenform.Observer.
func (o *Observer) Answered(outcome tokenform.Outcome, client *serving.Client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := ""
	if client != nil {
		id = client.ClientID
	}
	o.outcomes, o.clients = append(o.outcomes, outcome), append(o.clients, id)
}

// Authenticated implements clientauth.Observer.
func (o *Observer) Authenticated(*serving.Client, string, time.Time) {}

// AuthenticationFailed implements clientauth.Observer.
func (o *Observer) AuthenticationFailed(*serving.Client, clientauth.Reason) {}

// Last answers what was observed last.
func (o *Observer) Last() (outcome tokenform.Outcome, clientID string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.outcomes) == 0 {
		return "", ""
	}
	return o.outcomes[len(o.outcomes)-1], o.clients[len(o.clients)-1]
}

// Request is what a case sends.
type Request struct {
	Method, Host, Path, ContentType, Body string
	Authorization                         []string
}

// Asking is a good request about a token.
func (e *Endpoint) Asking(token string) Request {
	return Request{
		Method: http.MethodPost, Path: e.Path, ContentType: "application/x-www-form-urlencoded",
		Body: url.Values{"token": {token}}.Encode(), Authorization: []string{fixture.Basic},
	}
}

// Answer is what came back, its body read.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Send sends a request. No answer may be kept by a cache.
func (e *Endpoint) Send(r Request) Answer {
	e.T.Helper()
	out, err := http.NewRequestWithContext(e.T.Context(), r.Method, e.server.URL+r.Path, strings.NewReader(r.Body))
	if err != nil {
		e.T.Fatal(err)
	}
	out.Host = r.Host
	if r.ContentType != "" {
		out.Header.Set("Content-Type", r.ContentType)
	}
	out.Header["Authorization"] = r.Authorization
	in, err := e.server.Client().Do(out)
	if err != nil {
		e.T.Fatal(err)
	}
	defer func() { _ = in.Body.Close() }()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		e.T.Fatal(err)
	}
	if in.Header.Get("Cache-Control") != "no-store" || in.Header.Get("Pragma") != "no-cache" {
		e.T.Errorf("%d may be kept by a cache: %v", in.StatusCode, in.Header)
	}
	return Answer{in.StatusCode, in.Header, string(body)}
}

// Issue answers a token of 15 minutes for a client of the world, issued now. A thumbprint binds it to a certificate.
func (e *Endpoint) Issue(w *fixture.World, thumbprint string) string {
	e.T.Helper()
	client := e.Snapshot().ClientOf(w.Compiled(), w.Client.ClientID)
	if client == nil {
		e.T.Fatalf("client %s is not served", w.Client.ClientID)
	}
	raw, err := accesstoken.Append(nil, client, accesstoken.Grant{
		Scope: api.NotifyScope, Issued: e.Now, Expires: e.Now.Add(15 * time.Minute), Thumbprint: thumbprint,
	})
	if err != nil {
		e.T.Fatal(err)
	}
	return string(raw)
}

// Altered answers a token whose signature does not hold.
func Altered(raw string) string {
	signature := strings.LastIndex(raw, ".") + 1
	first := "A"
	if raw[signature] == 'A' {
		first = "B"
	}
	return raw[:signature] + first + raw[signature+1:]
}

// Live says whether the notification endpoint would accept the token now.
func (e *Endpoint) Live(w *fixture.World, raw string) bool {
	_, err := e.Options.Verifier.Verify(w.Compiled(), e.Snapshot(), raw, e.Now)
	return err == nil
}

// Colleague publishes a second client of the base gateway, with the same secret.
func (e *Endpoint) Colleague(clientID string) *fixture.World {
	e.T.Helper()
	colleague, client := *e.World, *e.Client
	client.Name, client.ClientID = "colleague", clientID
	colleague.Client = &client
	colleague.Publish()
	return &colleague
}

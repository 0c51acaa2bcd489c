package outbound

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const clientID, clientSecret = "d1 gateway:é", "planted+secret/=%&"

// authorizationServer issues numbered access tokens by client credentials.
type authorizationServer struct {
	*httptest.Server
	issued   atomic.Int32
	mu       sync.Mutex
	answer   http.HandlerFunc // in place of a token
	lifetime any              // expires_in; nil leaves it out
}

func newAuthorizationServer(t *testing.T) *authorizationServer {
	t.Helper()
	a := &authorizationServer{lifetime: 3600}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *authorizationServer) answers(f http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

func (a *authorizationServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	answer, lifetime := a.answer, a.lifetime
	a.mu.Unlock()
	n := a.issued.Add(1)
	if answer != nil {
		answer(w, r)
		return
	}
	id, secret, ok := r.BasicAuth()
	if !ok || r.Method != http.MethodPost || id != url.QueryEscape(clientID) || secret != url.QueryEscape(clientSecret) || r.PostFormValue("grant_type") != "client_credentials" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body := map[string]any{"access_token": fmt.Sprintf("planted-token-%d", n), "token_type": "bearer", "scope": r.PostFormValue("scope")}
	if lifetime != nil {
		body["expires_in"] = lifetime
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// endpoint is one whose requests carry tokens of the server.
func (a *authorizationServer) endpoint(scopes ...string) *serving.Endpoint {
	return &serving.Endpoint{OAuth: &serving.ClientCredentials{
		TokenURL: a.URL, ClientID: clientID, ClientSecret: api.NewSecret(clientSecret), Scopes: scopes, Endpoint: &serving.Endpoint{},
		Identity: sha256.Sum256([]byte(a.URL + strings.Join(scopes, " "))),
	}}
}

// resource is a destination that takes the tokens it is told to, and keeps what it got.
type resource struct {
	*httptest.Server
	mu      sync.Mutex
	refuses func(token string) bool
	seen    []string
	bodies  []string
}

func newResource(t *testing.T) *resource {
	t.Helper()
	d := &resource{refuses: func(string) bool { return false }}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		d.seen, d.bodies = append(d.seen, token), append(d.bodies, string(body))
		if d.refuses(token) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *resource) refuse(f func(token string) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuses = f
}

// last answers the token that came last.
func (d *resource) last() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen[len(d.seen)-1]
}

// handClock is set by hand.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func withClock(t *testing.T) (*Transports, *handClock) {
	t.Helper()
	c := &handClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	transports := NewTransports(Options{Guard: NewGuard(loopback), Now: c.Now})
	t.Cleanup(transports.Close)
	return transports, c
}

func send(t *testing.T, transports *Transports, d *resource, e *serving.Endpoint, status int) {
	t.Helper()
	a, err := do(t, transports, "payments/acme", d.URL, e, 10*time.Second)
	if err != nil || a.Status != status {
		t.Fatalf("%d, %v; want %d", a.Status, err, status)
	}
}

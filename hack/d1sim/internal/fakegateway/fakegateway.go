// Package fakegateway is a small gateway that answers D1 by the book, and wrongly where
// a test tells it to. It keeps nothing and delivers nothing.
package fakegateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
)

// Credentials of the one client that the gateway knows.
const (
	ClientID     = "is_tbank01"
	ClientSecret = "planted:secret/+" // #nosec G101 -- a test value with characters that need form encoding
)

// Gateway is an http.Handler. The zero value answers correctly; set the fields before use.
type Gateway struct {
	// ExpiresIn is the JSON text of expires_in. Default: 900.
	ExpiresIn string
	// TokenPath is where tokens are issued. Default: /oauth2/token.
	TokenPath string
	// Token and Notify replace the correct answer. number counts the calls from 1, and
	// answer gives the correct answer after all.
	Token, Notify func(w http.ResponseWriter, r *http.Request, number int, answer http.HandlerFunc)
	// NoOAuth accepts notifications without a token.
	NoOAuth bool

	mu          sync.Mutex
	tokenCalls  int
	notifyCalls []Notification
	revoked     int
}

// Notification is what a call of the notification endpoint looked like.
type Notification struct {
	Path, CorrelationID, Authorization string
}

// TokenCalls counts the calls of the token endpoint.
func (g *Gateway) TokenCalls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tokenCalls
}

// Notifications are the calls of the notification endpoint, in the order of arrival.
func (g *Gateway) Notifications() []Notification {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Notification(nil), g.notifyCalls...)
}

// RevokeTokens makes every token issued so far invalid.
func (g *Gateway) RevokeTokens() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.revoked = g.tokenCalls
}

// ServeHTTP answers one call.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tokenPath := g.TokenPath
	if tokenPath == "" {
		tokenPath = "/oauth2/token" // #nosec G101 -- a path
	}
	if r.URL.Path == tokenPath {
		g.serve(w, r, g.Token, g.countToken(), g.token)
		return
	}
	g.serve(w, r, g.Notify, g.countNotification(r), g.notify)
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, replaced func(http.ResponseWriter, *http.Request, int, http.HandlerFunc), number int, answer func(http.ResponseWriter, *http.Request)) {
	if replaced == nil {
		answer(w, r)
		return
	}
	replaced(w, r, number, answer)
}

func (g *Gateway) countToken() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokenCalls++
	return g.tokenCalls
}

func (g *Gateway) countNotification(r *http.Request) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notifyCalls = append(g.notifyCalls, Notification{
		Path: r.URL.EscapedPath(), CorrelationID: r.Header.Get("X-Correlation-Id"), Authorization: r.Header.Get("Authorization"),
	})
	return len(g.notifyCalls)
}

func (g *Gateway) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	// The pair arrives form-encoded inside Basic (RFC 6749 section 2.3.1).
	id, secret, _ := r.BasicAuth()
	if id != ClientID || secret != "planted%3Asecret%2F%2B" {
		w.Header().Set("WWW-Authenticate", `Basic realm="d1", charset="UTF-8"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"error":"invalid_client"}`)
		return
	}
	if r.PostFormValue("grant_type") != "client_credentials" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"error":"unsupported_grant_type"}`)
		return
	}
	expiresIn := g.ExpiresIn
	if expiresIn == "" {
		expiresIn = "900"
	}
	_, _ = fmt.Fprintf(w, `{"access_token":"planted-token-%d","token_type":"Bearer","expires_in":%s}`, g.TokenCalls(), expiresIn)
}

func (g *Gateway) notify(w http.ResponseWriter, r *http.Request) {
	if !g.NoOAuth && !g.valid(r.Header.Get("Authorization")) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="d1", error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *Gateway) valid(authorization string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	var number int
	_, err := fmt.Sscanf(authorization, "Bearer planted-token-%d", &number)
	return err == nil && number > g.revoked && number <= g.tokenCalls
}

// InProcess carries requests to a handler without a network, so that a test may run on
// the fake clock of testing/synctest.
type InProcess struct{ Handler http.Handler }

// RoundTrip serves r and fails when r ended first, as a connection would.
func (t InProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	t.Handler.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

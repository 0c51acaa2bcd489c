// Package tokenform answers requests in which an authenticated client hands in one access token of its gateway. Introspection
// (RFC 7662 section 2.1) and revocation (RFC 7009 section 2.1) are such requests; what differs is what they do with the token.
package tokenform

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// Observer learns what came of requests, for metrics. Its methods are called on the request's goroutine and must not block.
type Observer interface {
	// Answered is called once for each request. The client is nil unless it has authenticated.
	Answered(o Outcome, client *serving.Client)
}

// Options is what a Handler needs. All fields must be set.
type Options struct {
	Snapshot func() *serving.Snapshot
	// Ready says whether the serving documents have been read in full: before that an unknown gateway may only be unknown yet.
	Ready    func() bool
	Clients  *clientauth.Authenticator
	Verifier *accesstoken.Verifier
	Observer Observer
	Logger   *slog.Logger
	// RetryAfter is what a 503 tells the client; at least one second.
	RetryAfter time.Duration
}

// Request is a well-formed request of a client that has authenticated.
type Request struct {
	clientauth.Authenticated
	// Raw is the token as it was handed in, which may be anything.
	Raw string
}

// Gateway is the one whose endpoint was called.
func (r Request) Gateway() *serving.Gateway { return r.Client.Gateway }

// Verify answers the token when it is live at the gateway; see accesstoken.Verifier.
func (r Request) Verify(v *accesstoken.Verifier) (accesstoken.Token, error) {
	return v.Verify(r.Gateway(), r.Snapshot, r.Raw, r.At)
}

// Decide does what the endpoint is for.
type Decide func(context.Context, Request) Answer

// Handler answers requests to one endpoint of every gateway.
type Handler struct {
	Options
	path   string
	decide Decide
}

// NewHandler makes a Handler for the endpoint at that path below the path of an issuer.
func NewHandler(path string, decide Decide, o Options) *Handler { return &Handler{o, path, decide} }

// IsPath says whether a decoded path (httpx.PlainPath) is that of an issuer followed by the endpoint's.
func IsPath(path, endpoint string) bool {
	issuer, ok := strings.CutSuffix(path, endpoint)
	return ok && serving.IsIssuerPath(issuer)
}

// ServeHTTP answers one request. A panic becomes a 503: the client may come again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	done := result{refusal: Failed}
	defer func() {
		if p := recover(); p != nil {
			h.Logger.LogAttrs(r.Context(), slog.LevelError, "request about a token panicked", slog.String("endpoint", h.path), httpx.PanicAttr(p), slog.String("stack", string(debug.Stack())))
			done = result{refusal: Failed}
		}
		h.write(w, done)
	}()
	done = h.serve(w, r)
}

// result is what came of a request: a refusal, or the endpoint's answer when that is empty.
type result struct {
	refusal Outcome
	answer  Answer
	client  *serving.Client // nil unless it has authenticated
}

func (h *Handler) write(w http.ResponseWriter, done result) {
	if done.refusal != "" {
		writeRefusal(w, done.refusal, h.RetryAfter)
		h.Observer.Answered(done.refusal, done.client)
		return
	}
	done.answer.write(w, h.RetryAfter)
	h.Observer.Answered(done.answer.Outcome, done.client)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) result {
	plain, _ := httpx.PlainPath(r.URL)
	issuer, ok := strings.CutSuffix(plain, h.path)
	if !ok {
		return result{refusal: NotFound}
	}
	switch h.look(r.Host, issuer) {
	case unknown:
		return result{refusal: NotFound}
	case notYet:
		return result{refusal: clientauth.NotReady}
	case found:
	}
	if r.Method != http.MethodPost {
		return result{refusal: MethodNotAllowed}
	}
	who, refusal := h.Clients.Authenticate(w, r, func(s *serving.Snapshot, id string) *serving.Client {
		g := s.GatewayAt(r.Host, issuer)
		if g == nil || g.OAuthDisabled {
			return nil
		}
		return s.ClientOf(g, id)
	})
	if refusal != "" {
		return result{refusal: refusal, client: who.Client}
	}
	// The parameter is required and, like every other, must not be repeated (RFC 6749 section 3.2). token_type_hint is optional, and
	// there is one type of token here: it is not looked at, whatever it says (RFC 7009 section 2.1).
	raw, count := who.Form.Get("token")
	if count != 1 || raw == "" {
		return result{refusal: clientauth.BadRequest, client: who.Client}
	}
	return result{answer: h.decide(r.Context(), Request{who, raw}), client: who.Client}
}

// presence is what is known of the gateway whose endpoint is called.
type presence int

const (
	// found: it issues tokens.
	found presence = iota
	// unknown: there is none, or it issues no tokens.
	unknown
	// notYet: it may be in a document that has not been read, or cannot be served yet.
	notYet
)

// look looks for the gateway whose issuer has that path.
func (h *Handler) look(host, issuer string) presence {
	ready := h.Ready() // before the Snapshot: else the last documents could come between the two
	snapshot := h.Snapshot()
	g := snapshot.GatewayAt(host, issuer)
	switch {
	case g != nil && !g.OAuthDisabled:
		return found
	case g != nil:
		return unknown
	case !ready || snapshot.Incomplete():
		return notYet
	default:
		return unknown
	}
}

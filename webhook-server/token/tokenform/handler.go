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
	a, client := refusal(Failed), (*serving.Client)(nil)
	defer func() {
		if p := recover(); p != nil {
			h.Logger.LogAttrs(r.Context(), slog.LevelError, "request about a token panicked", slog.String("endpoint", h.path), httpx.PanicAttr(p), slog.String("stack", string(debug.Stack())))
			a = refusal(Failed)
		}
		a.write(w, h.RetryAfter)
		h.Observer.Answered(a.Outcome, client)
	}()
	a, client = h.serve(w, r)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (Answer, *serving.Client) {
	plain, _ := httpx.PlainPath(r.URL)
	issuer, ok := strings.CutSuffix(plain, h.path)
	if !ok {
		return refusal(NotFound), nil
	}
	if snapshot := h.Clients.Snapshot(); gatewayAt(snapshot, r.Host, issuer) == nil {
		if !h.Clients.Ready() || snapshot.Incomplete() && snapshot.GatewayAt(r.Host, issuer) == nil {
			return refusal(NotReady), nil
		}
		return refusal(NotFound), nil
	}
	if r.Method != http.MethodPost {
		return refusal(MethodNotAllowed), nil
	}
	who, why := h.Clients.Authenticate(w, r, func(s *serving.Snapshot, id string) *serving.Client {
		g := gatewayAt(s, r.Host, issuer)
		if g == nil {
			return nil
		}
		return s.ClientOf(g, id)
	})
	if why != "" {
		return refusal(Outcome(why)), who.Client
	}
	// The parameter is required and, like every other, must not be repeated (RFC 6749 section 3.2). token_type_hint is optional, and
	// there is one type of token here: it is not looked at, whatever it says (RFC 7009 section 2.1).
	raw, count := who.Form.Get("token")
	if count != 1 || raw == "" {
		return refusal(BadRequest), who.Client
	}
	return h.decide(r.Context(), Request{who, raw}), who.Client
}

// gatewayAt answers the gateway that issues tokens under the path of an issuer, or nil.
func gatewayAt(s *serving.Snapshot, host, issuer string) *serving.Gateway {
	g := s.GatewayAt(host, issuer)
	if g == nil || g.OAuthDisabled {
		return nil
	}
	return g
}

package token

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// MaxBodyBytes bounds the form body; a body of exactly this size passes.
const MaxBodyBytes = 8 << 10

// Observer learns what came of requests, for metrics, the audit line and the time a credential was last used. Its methods are called
// on the request's goroutine and must not block.
type Observer interface {
	// Answered is called once for each request. The client is nil unless it has authenticated.
	Answered(o Outcome, client *serving.Client)
	// Authenticated is called for each right secret, also when the rest of the request is refused afterwards.
	Authenticated(client *serving.Client, credentialID string, at time.Time)
}

// Options is what a Handler needs. All fields must be set, except that zero durations have the meaning given.
type Options struct {
	Snapshot func() *serving.Snapshot
	// Ready says whether the serving documents have been read in full: before that an unknown client may only be unknown yet.
	Ready    func() bool
	Now      func() time.Time
	Observer Observer
	Logger   *slog.Logger
	// RetryAfter is what a 503 tells D1; at least one second.
	RetryAfter time.Duration
	// BodyTimeout bounds the reading of a body; 0 leaves it to the server's deadlines.
	BodyTimeout time.Duration
}

// Handler answers token requests. It looks at the path only to find the client: whoever routes to it has asked Snapshot.IsTokenPath.
type Handler struct {
	Options
	decoy   decoy
	buffers sync.Pool
}

// NewHandler makes a Handler.
func NewHandler(o Options) *Handler {
	h := &Handler{Options: o, decoy: newDecoy()}
	h.buffers.New = func() any { b := make([]byte, 0, 2048); return &b }
	return h
}

// ServeHTTP answers one request. A panic becomes a 503, which D1 repeats.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := answer{outcome: Failed}
	defer func() {
		if p := recover(); p != nil {
			h.Logger.LogAttrs(r.Context(), slog.LevelError, "token request panicked", httpx.PanicAttr(p), slog.String("stack", string(debug.Stack())))
			a = answer{outcome: Failed}
		}
		h.write(w, a)
	}()
	a = h.serve(w, r)
}

// answer is an outcome with what goes with Issued.
type answer struct {
	outcome Outcome
	client  *serving.Client
	body    *[]byte // from the pool
}

func (h *Handler) write(w http.ResponseWriter, a answer) {
	if a.outcome == Issued {
		httpx.NoStore(w.Header())
		httpx.WriteJSON(w, http.StatusOK, *a.body)
		h.buffers.Put(a.body)
	} else {
		writeRefusal(w, a.outcome, h.RetryAfter)
	}
	h.Observer.Answered(a.outcome, a.client)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) answer {
	if r.Method != http.MethodPost {
		return answer{outcome: MethodNotAllowed}
	}
	if !h.Ready() {
		return answer{outcome: NotReady}
	}
	authorization, lines := httpx.Single(r.Header, "Authorization")
	if lines > 1 {
		return answer{outcome: BadRequest}
	}
	now := h.Now()
	who, refusal := h.authenticate(r, authorization, now)
	if who == nil {
		return answer{outcome: refusal}
	}
	h.Observer.Authenticated(who.client, who.credentialID, now)
	asked, refusal := h.readRequest(w, r, who.client.ClientID)
	if refusal != "" {
		return answer{outcome: refusal, client: who.client}
	}
	return h.issue(r, who, asked, now)
}

// authenticate comes before any look at the rest of the request. It answers nil and the refusal when it fails.
func (h *Handler) authenticate(r *http.Request, authorization string, now time.Time) (*authenticated, Outcome) {
	pairs := parseBasic(authorization)
	if len(pairs) == 0 {
		return nil, BadClient
	}
	path, _ := httpx.PlainPath(r.URL)
	snapshot := h.Snapshot()
	find := func(id string) (*serving.Client, api.Dialect) { return snapshot.Client(r.Host, path, id) }
	who, why := h.decoy.authenticate(find, pairs, now)
	if who != nil {
		return who, ""
	}
	h.logFailure(r, why)
	if snapshot.Incomplete() && !slices.ContainsFunc(pairs, func(p pair) bool { c, _ := find(p.id); return c != nil }) {
		return nil, NotReady // it may be the client of a document that cannot be served yet
	}
	return nil, BadClient
}

// logFailure names the client only when there is one: an id that nobody knows may be a secret in the wrong place. The line has the
// same attributes either way, so that writing it does not take longer for one.
func (h *Handler) logFailure(r *http.Request, why failure) {
	var client, gateway string
	if why.known != nil {
		client, gateway = why.known.ClientID, why.known.Gateway.GatewayID
	}
	h.Logger.LogAttrs(r.Context(), slog.LevelInfo, "client authentication failed",
		slog.String("reason", why.reason), slog.String("client", client), slog.String("gateway", gateway))
}

// readRequest answers the scope asked for, or a refusal.
func (h *Handler) readRequest(w http.ResponseWriter, r *http.Request, clientID string) (scope string, refusal Outcome) {
	contentType, lines := httpx.Single(r.Header, "Content-Type")
	if lines != 1 || !httpx.IsMediaType(contentType, "application/x-www-form-urlencoded") || len(r.Header["Content-Encoding"]) > 0 {
		return "", BadRequest
	}
	body, err := httpx.ReadBody(w, r, MaxBodyBytes, h.BodyTimeout)
	if errors.Is(err, httpx.ErrBodyTimeout) {
		return "", BodyTimeout
	}
	if err != nil {
		return "", BadRequest
	}
	scope, p := checkRequest(string(body), clientID)
	return scope, Outcome(p)
}

func (h *Handler) issue(r *http.Request, who *authenticated, asked string, now time.Time) answer {
	granted, p := grantScope(asked, who.client.Scopes)
	if p != "" {
		return answer{outcome: Outcome(p), client: who.client}
	}
	issued := issuedAt(who.client, now)
	lifetime := time.Duration(who.client.Gateway.AccessTokenSeconds) * time.Second
	expires := issued.Add(lifetime)
	buffer := h.buffers.Get().(*[]byte)
	body, err := appendToken(append((*buffer)[:0], answerHead...), who.client, granted, issued, expires)
	if err != nil {
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "access token not signed", slog.String("gateway", who.client.Gateway.GatewayID), slog.Any("error", err))
		return answer{outcome: Failed, client: who.client}
	}
	*buffer = appendTail(body, who.dialect, lifetime, expires, asked, granted)
	return answer{Issued, who.client, buffer}
}

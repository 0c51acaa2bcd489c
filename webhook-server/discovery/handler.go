package discovery

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Outcome is what came of one request; the set is closed, so that requests can be counted by it.
type Outcome string

// The outcomes.
const (
	Served Outcome = "served"
	// NotFound: no such gateway on the host, or none that issues tokens, or more than one where only one could be meant.
	NotFound         Outcome = "not_found"
	MethodNotAllowed Outcome = "method_not_allowed"
	// NotReady: the serving documents have not been read, or the gateway may be in one that cannot be served yet.
	NotReady Outcome = "not_ready"
	// Failed: the document could not be written. It is logged.
	Failed Outcome = "failed"
)

// Outcomes lists every outcome, so that counters can begin at zero.
func Outcomes() []Outcome { return []Outcome{Served, NotFound, MethodNotAllowed, NotReady, Failed} }

// Observer learns what came of requests, for metrics. Its methods are called on the request's goroutine and must not block.
type Observer interface {
	// Answered is called once for each request. The gateway is nil unless it was found.
	Answered(d Document, o Outcome, g *serving.Gateway)
}

// Options is what a Handler needs. All fields must be set.
type Options struct {
	Snapshot func() *serving.Snapshot
	// Ready says whether the serving documents have been read in full: before that an unknown gateway may only be unknown yet.
	Ready    func() bool
	Observer Observer
	Logger   *slog.Logger
	// RetryAfter is what a 503 tells the client; at least one second.
	RetryAfter time.Duration
}

// Handler answers GET and HEAD for the documents of all gateways; everything in them is public. Whoever routes to it has asked IsPath.
type Handler struct {
	Options
	cache cache
}

// NewHandler makes a Handler.
func NewHandler(o Options) *Handler { return &Handler{Options: o} }

// cacheable bounds how long a key may be unknown to those who read the set: a successor is published ten minutes or more before it signs. Only
// one that takes the place of a withdrawn key signs at once; they meet an unknown kid then and read the set again. It also bounds how long they
// trust a withdrawn key. The slice is shared by all answers and never changed.
var cacheable = []string{"public, max-age=300"}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plain, _ := httpx.PlainPath(r.URL)
	path, ok := ParsePath(plain)
	if !ok {
		httpx.WriteEmpty(w, http.StatusNotFound)
		return
	}
	g, outcome, body := h.decide(r, path)
	switch outcome {
	case Served:
		header := w.Header()
		header["Cache-Control"] = cacheable
		header.Set("Content-Length", strconv.Itoa(len(body)))
		// Not application/jwk-set+json (RFC 7517 section 8.5.2) for the keys: some clients take application/json only, and all take that.
		httpx.WriteJSON(w, http.StatusOK, body)
	case NotFound:
		httpx.WriteEmpty(w, http.StatusNotFound)
	case MethodNotAllowed:
		httpx.MethodNotAllowed(w, "GET, HEAD")
	default:
		httpx.Unavailable(w, h.RetryAfter)
	}
	h.Observer.Answered(path.Document, outcome, g)
}

func (h *Handler) decide(r *http.Request, path Path) (*serving.Gateway, Outcome, []byte) {
	snapshot := h.Snapshot()
	g, certain := path.Find(snapshot, r.Host)
	switch {
	case !certain || !h.Ready():
		return nil, NotReady, nil
	case g == nil:
		return nil, NotFound, nil
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return g, MethodNotAllowed, nil
	}
	body, err := h.cache.document(snapshot, g, path.Document)
	if err != nil {
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "discovery document not written", slog.String("gateway", g.GatewayID), slog.Any("error", err))
		return g, Failed, nil
	}
	return g, Served, body
}

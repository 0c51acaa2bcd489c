package token

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
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
	// Signed is called for each token that is issued, with the id of the client's gateway's key that has signed it.
	Signed(client *serving.Client, keyID string, at time.Time)
}

// Options is what a Handler needs. All fields must be set.
type Options struct {
	Clients *clientauth.Authenticator
	// Thumbprint answers that of the request's client certificate (RFC 8705 section 3.1) when the gateway accepts it, else an error that
	// may be logged. It is asked only where tokens are bound to it.
	Thumbprint func(*http.Request, *serving.Gateway) (string, error)
	Observer   Observer
	Logger     *slog.Logger
	// RetryAfter is what a 503 tells D1; at least one second.
	RetryAfter time.Duration
}

// Handler answers token requests. It looks at the path only to find the client: whoever routes to it has asked Snapshot.IsTokenPath.
type Handler struct {
	Options
	buffers sync.Pool
}

// NewHandler makes a Handler.
func NewHandler(o Options) *Handler {
	h := &Handler{Options: o}
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
		h.recycle(a.body)
	} else {
		writeRefusal(w, a.outcome, h.RetryAfter)
	}
	h.Observer.Answered(a.outcome, a.client)
}

// maxPooledBytes is the size of net/http's own buffers: only a body that fits is copied into one by Write. A longer one goes to the
// connection as it is, and when an HTTP/2 stream is reset meanwhile Write returns before the last frame has been read from it.
const maxPooledBytes = 4096

// recycle gives back the buffer of a body that has been written.
func (h *Handler) recycle(body *[]byte) {
	if len(*body) <= maxPooledBytes {
		h.buffers.Put(body)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) answer {
	if r.Method != http.MethodPost {
		return answer{outcome: MethodNotAllowed}
	}
	path, _ := httpx.PlainPath(r.URL)
	who, refusal := h.Clients.Authenticate(w, r, func(s *serving.Snapshot, id string) *serving.Client {
		return s.Client(r.Host, path, id)
	})
	if refusal != "" {
		return answer{outcome: refusal, client: who.Client}
	}
	grant := accesstoken.Grant{Issued: accesstoken.IssuedAt(who.Client, who.At)}
	if who.Client.Gateway.CertificateBoundTokens {
		var err error
		if grant.Thumbprint, err = h.Thumbprint(r, who.Client.Gateway); err != nil {
			h.Logger.LogAttrs(r.Context(), slog.LevelInfo, "no token without a client certificate to bind it to",
				slog.String("client", who.Client.ClientID), slog.String("gateway", who.Client.Gateway.GatewayID), slog.Any("reason", err))
			return answer{outcome: clientauth.BadClient, client: who.Client}
		}
	}
	asked, refusal := checkRequest(who.Form)
	if refusal == "" {
		grant.Scope, refusal = grantScope(asked, who.Client.Scopes)
	}
	if refusal != "" {
		return answer{outcome: refusal, client: who.Client}
	}
	a := h.issue(r, who.Client, path, asked, grant)
	if a.outcome == Issued {
		h.Observer.Signed(who.Client, who.Client.Gateway.SigningKey(grant.Issued).ID, who.At)
	}
	return a
}

// issue signs the token and writes the answer around it.
func (h *Handler) issue(r *http.Request, client *serving.Client, path, asked string, grant accesstoken.Grant) answer {
	lifetime := time.Duration(client.Gateway.AccessTokenSeconds) * time.Second
	grant.Expires = grant.Issued.Add(lifetime)
	buffer := h.buffers.Get().(*[]byte)
	body, err := accesstoken.Append(append((*buffer)[:0], answerHead...), client, grant)
	if err != nil {
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "access token not signed", slog.String("gateway", client.Gateway.GatewayID), slog.Any("error", err))
		return answer{outcome: Failed, client: client}
	}
	dialect, _ := client.Gateway.TokenDialect(path)
	*buffer = appendTail(body, dialect, lifetime, grant.Expires, asked, grant.Scope)
	return answer{Issued, client, buffer}
}

package notification

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

var errNoCertificateCheck = errors.New("client certificates cannot be checked")

// Handler answers notify-update calls.
type Handler struct {
	Options
	storeRefusals storeRefusals
}

// NewHandler makes a Handler.
func NewHandler(o Options) *Handler {
	if o.NewID == nil {
		o.NewID = newID
	}
	return &Handler{Options: o}
}

// newID sorts by time and carries 62 random bits beside it, so that nobody guesses another one.
func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err) // unreachable: crypto/rand ends the program instead
	}
	return id.String()
}

// call is one call on its way through the checks.
type call struct {
	*Handler
	writer        http.ResponseWriter
	request       *http.Request
	now           time.Time
	path          Path
	snapshot      *serving.Snapshot
	gateway       *serving.Gateway // nil until the path has named one that exists
	clientID      string           // empty until authenticated by a token
	correlationID string
	updateType    string

	answer answer
}

// ServeHTTP answers one call. Until the notification is durable a panic becomes a 503, which makes D1 send it again; afterwards it
// changes nothing.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Handler: h, writer: w, request: r, now: h.Now(), answer: answer{outcome: Failed}}
	defer func() {
		if p := recover(); p != nil {
			h.Logger.LogAttrs(r.Context(), slog.LevelError, "notify-update panicked", httpx.PanicAttr(p), slog.String("stack", string(debug.Stack())))
		}
		c.answer.write(w, h.RetryAfter)
		h.Observer.Answered(c.answer.outcome, c.gateway, h.Now().Sub(c.now))
	}()
	c.serve()
}

// serve sets the answer; the order of the checks is that of the contract.
func (c *call) serve() {
	path, ok := ParsePath(c.request.URL.EscapedPath())
	if !ok {
		c.answer = answer{outcome: NotFound}
		return
	}
	if c.request.Method != http.MethodPost {
		c.answer = answer{outcome: MethodNotAllowed}
		return
	}
	c.path, c.correlationID = path, c.readCorrelationID()
	if a := c.findGateway(); a.outcome != "" {
		c.answer = a
		return
	}
	if refusal := c.authenticate(); refusal != "" {
		c.answer = answer{outcome: refusal}
		return
	}
	if a := c.checkFields(); a.outcome != "" {
		c.Logger.LogAttrs(c.request.Context(), slog.LevelInfo, "notification refused", c.who(slog.String("outcome", string(a.outcome)), slog.String("field", a.field))...)
		c.answer = a
		return
	}
	c.take()
}

// findGateway comes before authentication, because the gateway says how to authenticate.
func (c *call) findGateway() answer {
	if !isGatewayID(c.path.GatewayID) {
		return invalidField(fieldGatewayID)
	}
	if !c.Ready() {
		return answer{outcome: NotReady}
	}
	c.snapshot = c.Snapshot()
	c.gateway = c.snapshot.Gateway(c.request.Host, c.path.GatewayID)
	if c.gateway == nil && c.snapshot.Incomplete() {
		return answer{outcome: NotReady} // it may be in a document that cannot be served yet
	}
	if c.gateway == nil {
		return answer{outcome: UnknownGateway}
	}
	return answer{}
}

// readCorrelationID answers D1's, or a new one: a diagnostic header must not lose a notification, nor get into a log as it came.
func (c *call) readCorrelationID() string {
	value, lines := httpx.Single(c.request.Header, "X-Correlation-Id")
	if lines == 1 && httpx.IsCorrelationID(value) {
		return value
	}
	return c.NewID()
}

// within bounds the time of what the call waits for. It does not end when the caller leaves: one that has closed only its own direction of
// the connection still waits for the answer, and one that is gone is better served by a stored notification than by none.
func (c *call) within(timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(c.request.Context())
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// who begins the attributes of a log line. Nothing that the checks have not passed is among them.
func (c *call) who(more ...slog.Attr) []slog.Attr {
	attrs := []slog.Attr{slog.String("gateway", c.gateway.GatewayID), slog.String("correlationId", api.MaskCardNumbers(c.correlationID))}
	if c.clientID != "" {
		attrs = append(attrs, slog.String("client", c.clientID))
	}
	return append(attrs, more...)
}

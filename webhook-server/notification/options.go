package notification

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// MaxBodyBytes bounds the JSON body; a body of exactly this size passes.
const MaxBodyBytes = 64 << 10

// maxDepth bounds how deeply a body may be nested, the object itself being the first level.
const maxDepth = 64

// ErrUncertain says that an access token cannot be judged yet.
var ErrUncertain = errors.New("access token cannot be judged yet")

// Appender makes a notification durable, and answers the id under which it is delivered: a store.Store.
type Appender interface {
	Append(ctx context.Context, n store.Notification) (id string, err error)
}

// TokenState is what a look-up says of a token.
type TokenState int

// The states of a token at the platform.
const (
	// TokenKnown: the platform knows it.
	TokenKnown TokenState = iota
	// TokenUnknown: it does not.
	TokenUnknown
	// TokenTooEarly: it does not, but the token may have overtaken its own creation; D1 should ask again.
	TokenTooEarly
)

// ForwardResult is what a Synchronous destination did.
type ForwardResult int

// What can come of forwarding.
const (
	// ForwardDelivered: it answered 2xx.
	ForwardDelivered ForwardResult = iota
	// ForwardUnknownToken: it answered 404.
	ForwardUnknownToken
	// ForwardRefused: it refused for good.
	ForwardRefused
	// ForwardUnavailable: a time-out, a 5xx or a broken connection.
	ForwardUnavailable
)

// Observer learns what came of calls, for metrics. Its methods are called on the call's goroutine and must not block.
type Observer interface {
	// Answered is called once for each call, with the time that it took. The gateway is nil unless the path names one that exists.
	Answered(o Outcome, g *serving.Gateway, took time.Duration)
	// UndocumentedUpdateType is called for each accepted notification whose type the D1 document does not list.
	UndocumentedUpdateType(g *serving.Gateway)
}

// Options is what a Handler needs. All fields must be set except those that say otherwise.
type Options struct {
	Snapshot func() *serving.Snapshot
	// Ready says whether the serving documents have been read in full: before that an unknown gateway may only be unknown yet.
	Ready func() bool
	// Verify checks an access token of a request for the gateway; ErrUncertain asks D1 to come again, any other error refuses it. It
	// must not repeat the token in the error.
	Verify func(r *http.Request, g *serving.Gateway, s *serving.Snapshot, token string, now time.Time) (*serving.Client, error)
	// ClientCertificate checks the certificate of the request's connection. It is asked only for gateways that require one;
	// nil refuses all of those.
	ClientCertificate func(r *http.Request, g *serving.Gateway) error
	// Lookup is asked only for gateways with a TokenLookup; nil answers those 503. A fault is an error, never a state.
	Lookup func(ctx context.Context, g *serving.Gateway, merchantID, tokenID string) (TokenState, error)
	// Forward sends to a Synchronous destination, within the destination's timeoutSeconds; nil answers 503.
	Forward func(ctx context.Context, n store.Notification, d *serving.Destination) ForwardResult
	Store   Appender
	// Wake tells the dispatcher that a lane has something new.
	Wake func(lane string)
	Now  func() time.Time
	// NewID answers a new unique id of letters, digits, "-" and "_", at most 64; nil makes UUIDs of version 7 (RFC 9562).
	NewID    func() string
	Logger   *slog.Logger
	Observer Observer
	// Timeout bounds the look-up and the store, and by itself the reading of the body; 0 sets no bound. Forwarding has its own.
	Timeout time.Duration
	// RetryAfter is what a 503 tells D1; at least one second.
	RetryAfter time.Duration
}

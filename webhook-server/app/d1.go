package app

import (
	"context"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/lookup"
	"github.com/d1gateway/d1gateway/webhook-server/metrics"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/token"
)

const (
	// rememberedTokens bounds the verified access tokens that are remembered, some 200 bytes each.
	rememberedTokens = 8192
	// acceptTimeout bounds the look-up and the store for one notification. D1's own timeout is not published; 10 s is a common one.
	acceptTimeout = 8 * time.Second
	// bodyTimeout bounds the reading of a body.
	bodyTimeout = 10 * time.Second
	// drainBytes and drainTimeout bound the reading of a body that is not looked at.
	drainBytes   = 1 << 20
	drainTimeout = time.Second
)

// d1Handler joins the two endpoints that D1 calls, and sheds what is too much at once.
func (s *Server) d1Handler() http.Handler {
	o := s.options
	tokens := token.NewHandler(token.Options{
		Snapshot: s.state.Snapshot, Ready: s.state.Synced, Now: o.Now, Logger: o.Logger,
		Observer: metrics.Token{Metrics: s.metrics}, RetryAfter: retryAfter, BodyTimeout: bodyTimeout,
	})
	notifications := notification.NewHandler(notification.Options{
		Snapshot: s.state.Snapshot, Ready: s.state.Synced, Verify: token.NewVerifier(rememberedTokens).Verify,
		ClientCertificate: func(r *http.Request, g *serving.Gateway) error { return verifyClientCertificate(r, g, o.Now()) },
		Lookup:            s.askPlatform,
		Forward:           s.forward,
		Store:             s.store, Wake: s.dispatcher.Wake, Now: o.Now, Logger: o.Logger,
		Observer: metrics.Notification{Metrics: s.metrics}, Timeout: acceptTimeout, RetryAfter: retryAfter,
	})
	shed := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { httpx.Unavailable(w, retryAfter) })
	limited := httpx.Limit(o.MaxConcurrentRequests, &routes{state: s.state, token: tokens, notification: notifications}, shed)
	return httpx.Drain(drainBytes, drainTimeout, limited)
}

// forward adapts delivery to the notification endpoint: neither knows the other.
func (s *Server) forward(ctx context.Context, n store.Notification, d *serving.Destination) notification.ForwardResult {
	switch s.dispatcher.Forward(ctx, n, d).Answer() {
	case delivery.Accepted:
		return notification.ForwardDelivered
	case delivery.UnknownToken:
		return notification.ForwardUnknownToken
	case delivery.Refused:
		return notification.ForwardRefused
	default:
		return notification.ForwardUnavailable
	}
}

// askPlatform adapts the token look-up to the notification endpoint.
func (s *Server) askPlatform(ctx context.Context, g *serving.Gateway, merchantID, tokenID string) (notification.TokenState, error) {
	answer, err := s.lookup.Token(ctx, g, merchantID, tokenID)
	switch {
	case err != nil:
		return notification.TokenUnknown, err
	case answer == lookup.Known:
		return notification.TokenKnown, nil
	case answer == lookup.TooEarly:
		return notification.TokenTooEarly, nil
	default:
		return notification.TokenUnknown, nil
	}
}

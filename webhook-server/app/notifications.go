package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/listener"
	"github.com/d1gateway/d1gateway/webhook-server/lookup"
	"github.com/d1gateway/d1gateway/webhook-server/metrics"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

// acceptTimeout bounds the look-up and the store for one notification. D1's own timeout is not published; 10 s is a common one.
const acceptTimeout = 8 * time.Second

func (s *Server) notificationHandler() http.Handler {
	o := s.options
	return notification.NewHandler(notification.Options{
		Snapshot: s.state.Snapshot, Ready: s.state.Synced, Verify: s.verifyBearer,
		ClientCertificate: s.verifyCertificate,
		Lookup:            s.askPlatform,
		Forward:           s.forward,
		Store:             s.store, Wake: s.dispatcher.Wake, Now: o.Now, Logger: o.Logger,
		Observer: metrics.Notification{Metrics: s.metrics}, Timeout: acceptTimeout, RetryAfter: retryAfter,
	})
}

// verifyBearer answers the client of an access token that may be used for notifications on the request's connection.
func (s *Server) verifyBearer(r *http.Request, g *serving.Gateway, snapshot *serving.Snapshot, raw string, now time.Time) (*serving.Client, error) {
	token, err := s.verifier.Verify(g, snapshot, raw, now)
	if errors.Is(err, accesstoken.ErrUncertain) {
		return nil, notification.ErrUncertain
	}
	if err != nil {
		return nil, err
	}
	if err := token.Permits(api.NotifyScope); err != nil {
		return nil, err
	}
	if token.NeedsCertificate() {
		if err := token.CheckCertificate(s.peers.Thumbprint(r)); err != nil {
			return nil, err
		}
	}
	listener.Authenticated(r.Context())
	return token.Client, nil
}

// verifyCertificate answers nil when the gateway accepts the client certificate of a request.
func (s *Server) verifyCertificate(r *http.Request, g *serving.Gateway) error {
	err := s.peers.Verify(r, g)
	if err == nil && g.ClientCertificate != nil {
		listener.Authenticated(r.Context())
	}
	return err
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

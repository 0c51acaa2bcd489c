package app

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/discovery"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/metrics"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
	"github.com/d1gateway/d1gateway/webhook-server/token/introspection"
	"github.com/d1gateway/d1gateway/webhook-server/token/revocation"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform"
)

// rememberedTokens bounds the verified access tokens that are remembered, some 200 bytes each.
const rememberedTokens = 8192

// revocationInterval is how often other replicas' revocations are read. It bounds, with one reading, how long a revoked token may go on
// working on them: the documents say 2 seconds.
const revocationInterval = 500 * time.Millisecond

const (
	// anonymousShares: requests that do not say who sends them before their body may take up one of so many parts of
	// Options.MaxConcurrentRequests.
	anonymousShares = 16
	// anonymousBodyTimeout bounds the reading of their bodies.
	anonymousBodyTimeout = 3 * time.Second
)

// newFollower keeps s.revoked told of what all replicas have revoked.
func (s *Server) newFollower() *revocation.Follower {
	return revocation.NewFollower(revocation.FollowOptions{
		List: s.store, Revocations: s.revoked, Interval: revocationInterval, Observer: metrics.Revocations{Metrics: s.metrics},
		Logger: s.options.Logger, Now: s.options.Now,
	})
}

func (s *Server) clientAuthenticator() *clientauth.Authenticator {
	return clientauth.New(clientauth.Options{
		Snapshot: s.state.Snapshot, Ready: s.state.Synced, Now: s.options.Now, Logger: s.options.Logger,
		Source: s.sourceKey, Certificate: s.peers.Certificate, Matches: peer.Matches,
		Observer: clientUses{metrics.Clients{Metrics: s.metrics}, s.uses}, BodyTimeout: bodyTimeout,
		Anonymous:            httpx.NewFair[netip.Addr](max(1, s.options.MaxConcurrentRequests/anonymousShares)),
		AnonymousBodyTimeout: anonymousBodyTimeout,
	})
}

// sourceKey answers what limits count a request's source by.
func (s *Server) sourceKey(r *http.Request) netip.Addr { return peer.SourceKey(s.peers.Source(r)) }

func (s *Server) tokenHandler(clients *clientauth.Authenticator) http.Handler {
	return token.NewHandler(token.Options{
		Clients: clients, Thumbprint: s.acceptedThumbprint, Observer: keyUses{metrics.Token{Metrics: s.metrics}, s.uses},
		Logger: s.options.Logger, RetryAfter: retryAfter,
	})
}

func (s *Server) introspectionHandler(clients *clientauth.Authenticator) http.Handler {
	return introspection.NewHandler(s.tokenForm(clients, metrics.Introspection{Metrics: s.metrics}))
}

func (s *Server) revocationHandler(clients *clientauth.Authenticator) http.Handler {
	return revocation.NewHandler(revocation.Options{
		Options: s.tokenForm(clients, metrics.Revocation{Metrics: s.metrics}),
		Store:   s.store, Revocations: s.revoked, Timeout: acceptTimeout,
	})
}

func (s *Server) tokenForm(clients *clientauth.Authenticator, observer tokenform.Observer) tokenform.Options {
	return tokenform.Options{
		Snapshot: s.state.Snapshot, Ready: s.state.Synced, Clients: clients, Verifier: s.verifier,
		Observer: observer, Logger: s.options.Logger, RetryAfter: retryAfter,
	}
}

func (s *Server) discoveryHandler() http.Handler {
	return discovery.NewHandler(discovery.Options{
		Snapshot: s.state.Snapshot, Ready: s.state.Synced, Observer: metrics.Discovery{Metrics: s.metrics}, Logger: s.options.Logger, RetryAfter: retryAfter,
	})
}

// acceptedThumbprint answers that of the request's client certificate when the gateway accepts it.
func (s *Server) acceptedThumbprint(r *http.Request, g *serving.Gateway) (string, error) {
	if err := s.peers.Verify(r, g); err != nil {
		return "", err
	}
	return s.peers.Thumbprint(r), nil
}

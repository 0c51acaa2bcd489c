// Package serving keeps what the server serves: serving documents, read from a directory or a cluster, compiled into one immutable
// Snapshot behind an atomic pointer. A request takes the Snapshot once and works with it to its end.
package serving

import (
	"crypto"
	"crypto/tls"
	"iter"
	"net"
	"slices"
	"strings"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// Snapshot is everything that is served at one moment. It never changes.
type Snapshot struct {
	gateways   map[string]*Gateway   // by merchantGatewayId
	ordered    []*Gateway            // by merchantGatewayId
	draining   []*Gateway            // in none of the other tables
	byHost     map[string][]*Gateway // those that name the host, ordered
	anyHost    []*Gateway            // those that name none, ordered
	tokenPaths map[string]hosts      // by token endpoint path
	clients    clientTable
	handshakes handshakes
	incomplete bool
}

// hosts is where a path is answered.
type hosts struct {
	any   bool
	named map[string]bool
}

// Incomplete says that some document is there, or may be, but cannot be served, nor its last good version in its place. A gateway or client
// that is not in the Snapshot may then be in that document: D1 is told to come again, and not that it is unknown.
func (s *Snapshot) Incomplete() bool { return s.incomplete }

// Gateways answers all gateways that answer D1, ordered by merchantGatewayId. The slice belongs to the Snapshot.
func (s *Snapshot) Gateways() []*Gateway { return s.ordered }

// Draining answers the gateways that are being deleted, ordered by namespace and name: D1 is not answered for them any more, and nothing
// else here finds them, but what was accepted is still delivered. Their merchantGatewayId may be another gateway's already. The slice belongs
// to the Snapshot.
func (s *Snapshot) Draining() []*Gateway { return s.draining }

// GatewaysOn yields the gateways that answer on a host, given as in a Host header: those that name it, then those that answer on any.
func (s *Snapshot) GatewaysOn(host string) iter.Seq[*Gateway] {
	return func(yield func(*Gateway) bool) {
		for _, list := range [][]*Gateway{s.byHost[canonicalHost(host)], s.anyHost} {
			for _, g := range list {
				if !yield(g) {
					return
				}
			}
		}
	}
}

// Gateway answers the gateway with that merchantGatewayId on that host (a Host header, with or without port), or nil.
func (s *Snapshot) Gateway(host, gatewayID string) *Gateway {
	if g := s.gateways[gatewayID]; g != nil && g.AnswersOn(host) {
		return g
	}
	return nil
}

// IsTokenPath says whether some gateway has a token endpoint at that path on that host.
func (s *Snapshot) IsTokenPath(host, path string) bool {
	h := s.tokenPaths[path]
	return h.any || len(h.named) > 0 && h.named[canonicalHost(host)]
}

// Client answers the client with that id whose gateway has a token endpoint at that path on that host, or nil. A suspended client is
// answered.
func (s *Snapshot) Client(host, path, clientID string) *Client {
	for _, key := range []hostedID{{canonicalHost(host), clientID}, {"", clientID}} {
		for _, c := range s.clients.find(key) {
			if _, ok := c.Gateway.TokenDialect(path); ok {
				return c
			}
		}
	}
	return nil
}

// ClientOf answers the client with that id of that gateway, or nil: the look-up behind an access token's sub. Of two with one id, which is an
// operator's fault, it is the first by name.
func (s *Snapshot) ClientOf(g *Gateway, clientID string) *Client {
	host := ""
	if len(g.Hostnames) > 0 {
		host = g.Hostnames[0]
	}
	for _, c := range s.clients.find(hostedID{host, clientID}) {
		if c.Gateway == g {
			return c
		}
	}
	return nil
}

// Gateway is one compiled gateway: its document with keys and certificates parsed. It never changes.
type Gateway struct {
	*api.Gateway
	// ClientCAs verifies D1's client certificate; nil unless one is required.
	ClientCAs *Authorities
	// Certificate is what the server presents on its hostnames; nil presents the server's own.
	Certificate *tls.Certificate

	audiences []string // of assertions
	keys      map[string]*Key
	timeline  []timedKey // oldest SignsFrom first
	merchants map[string]*Destination
	fallback  *Destination // the default destination; nil when there is none
	lookup    *Endpoint    // where TokenLookup asks; nil when there is none
}

type timedKey struct {
	from time.Time
	key  *Key
}

// Allows says whether clients may authenticate in that way at its token endpoints.
func (g *Gateway) Allows(m api.AuthMethod) bool { return slices.Contains(g.AuthMethods, m) }

// AnswersOn says whether the gateway answers on a host, given as in a Host header.
func (g *Gateway) AnswersOn(host string) bool {
	if len(g.Hostnames) == 0 {
		return true
	}
	return slices.Contains(g.Hostnames, canonicalHost(host))
}

// canonicalHost answers the host of a Host header as documents name it: in lower case, without port and final dot.
func canonicalHost(host string) string {
	if strings.IndexByte(host, ':') >= 0 {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// TokenDialect answers the dialect of its token endpoint at that path.
func (g *Gateway) TokenDialect(path string) (api.Dialect, bool) {
	for _, e := range g.TokenEndpoints {
		if e.Path == path {
			return e.Dialect, true
		}
	}
	return "", false
}

// SigningKey is the key that signs at that time: the newest one whose SignsFrom has come.
func (g *Gateway) SigningKey(now time.Time) *Key {
	current := g.timeline[0].key
	for _, t := range g.timeline[1:] {
		if t.from.After(now) {
			break
		}
		current = t.key
	}
	return current
}

// VerificationKey answers the key with that kid, or nil.
func (g *Gateway) VerificationKey(kid string) *Key { return g.keys[kid] }

// Destination answers where notifications for a merchant go. It is nil when the merchant is not known.
func (g *Gateway) Destination(merchantID string) *Destination {
	if d, ok := g.merchants[merchantID]; ok {
		return d
	}
	if g.DeliverUnlisted {
		return g.fallback
	}
	return nil
}

// Lookup answers where to ask whether a token exists, or nil when every token is accepted. Its document is g.TokenLookup.
func (g *Gateway) Lookup() *Endpoint { return g.lookup }

// Client is one compiled OAuthClient.
type Client struct {
	*api.Client
	Gateway *Gateway
	// Keys verify its assertions; none unless it authenticates by private_key_jwt.
	Keys []ClientKey
}

// ClientKey is one public key of a client.
type ClientKey struct {
	*api.PublicKey
	Key crypto.PublicKey
}

// Destination is where notifications go, with its secrets and certificates parsed.
type Destination struct {
	*api.Destination
	// Lane names the destination in the store: namespace/name of the MerchantGateway, "/", its merchantGatewayId, and for a merchant's own
	// destination "/" and the merchant id. It holds the resource because another one may have the merchantGatewayId later: what waits
	// must not go to somebody else's backend then.
	Lane string
	// Endpoint is how to reach it.
	Endpoint *Endpoint
	// SigningKeys are the Standard Webhooks keys; each signs, the current one first.
	SigningKeys []WebhookKey
}

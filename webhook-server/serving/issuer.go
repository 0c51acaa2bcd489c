package serving

import (
	"net/url"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// gatewayIDOf answers the merchantGatewayId at the end of the path of an issuer, and where its part of the path begins.
func gatewayIDOf(path string) (id string, at int, ok bool) {
	at = strings.LastIndex(path, issuerPath)
	if at < 0 {
		return "", 0, false
	}
	id = path[at+len(issuerPath):]
	return id, at, httpx.IsWord(id, 10, 10)
}

// IsIssuerPath says whether a decoded path has the form of an issuer's: it ends with /merchant-gateways/ and a merchantGatewayId.
func IsIssuerPath(path string) bool {
	_, _, ok := gatewayIDOf(path)
	return ok
}

// GatewayAt answers the gateway on that host (a Host header) whose issuer has that decoded path, or nil. An external URL with a path of
// its own is that of a proxy, which may leave this path away or not: the gateway is found by either.
func (s *Snapshot) GatewayAt(host, path string) *Gateway {
	id, at, ok := gatewayIDOf(path)
	if !ok {
		return nil
	}
	g := s.Gateway(host, id)
	if g == nil || at > 0 && path != g.IssuerPath() {
		return nil
	}
	return g
}

// IssuerPath is the decoded path of its issuer.
func (g *Gateway) IssuerPath() string {
	u, err := url.Parse(g.Issuer)
	if err != nil {
		return "" // the document was checked: it is a URL
	}
	return u.Path
}

// VerificationKeys answers every key that verifies, in the order in which they sign. A successor is among them before it signs.
func (g *Gateway) VerificationKeys() []*Key {
	keys := make([]*Key, len(g.timeline))
	for i, t := range g.timeline {
		keys[i] = t.key
	}
	return keys
}

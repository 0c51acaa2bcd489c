package discovery

import (
	"slices"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Document names one of the documents; the set is closed, so that requests can be counted by it.
type Document string

// The documents.
const (
	// Metadata describes the gateway's authorization server (RFC 8414).
	Metadata Document = "metadata"
	// KeySet holds the keys that verify its access tokens (RFC 7517 section 5).
	KeySet Document = "jwks"
)

// Documents lists every document, so that counters can begin at zero.
func Documents() []Document { return []Document{Metadata, KeySet} }

// wellKnown is the well-known path of Metadata (RFC 8414 section 7.3).
const wellKnown = "/.well-known/oauth-authorization-server"

// Path is what the path of a request asks for.
type Path struct {
	Document Document
	// Issuer is the path of the issuer; empty asks for whichever gateway is alone on the host.
	Issuer string
}

// ParsePath reads a decoded path (httpx.PlainPath) of one of the forms
//
//	/.well-known/oauth-authorization-server{path of the issuer}   RFC 8414 section 3.1
//	{path of the issuer}/.well-known/oauth-authorization-server   what many clients do, as OpenID Connect Discovery says
//	{path of the issuer}/.well-known/jwks.json
//
// with or without the path of the issuer, and answers false for any other.
func ParsePath(path string) (Path, bool) {
	if issuer, ok := strings.CutPrefix(path, wellKnown); ok {
		return Path{Metadata, issuer}, isIssuer(issuer)
	}
	if issuer, ok := strings.CutSuffix(path, wellKnown); ok {
		return Path{Metadata, issuer}, isIssuer(issuer)
	}
	if issuer, ok := strings.CutSuffix(path, serving.JWKSPath); ok {
		return Path{KeySet, issuer}, isIssuer(issuer)
	}
	return Path{}, false
}

func isIssuer(path string) bool { return path == "" || serving.IsIssuerPath(path) }

// IsPath says whether a decoded path is one of the Handler's on some host.
func IsPath(path string) bool {
	_, ok := ParsePath(path)
	return ok
}

// Find answers the gateway whose document is asked for on that host, or nil. Without the path of an issuer that is the only gateway
// which answers on the host: of several none is told from another. When nil is not certain the gateway may be in a document that
// cannot be served yet.
func (p Path) Find(s *serving.Snapshot, host string) (g *serving.Gateway, certain bool) {
	var answering []*serving.Gateway
	if p.Issuer == "" {
		answering = slices.Collect(s.GatewaysOn(host))
	} else if g := s.GatewayAt(host, p.Issuer); g != nil {
		answering = []*serving.Gateway{g}
	}
	switch {
	case len(answering) == 0:
		return nil, !s.Incomplete()
	case len(answering) > 1 || answering[0].OAuthDisabled: // it issues no tokens
		return nil, true
	default:
		return answering[0], true
	}
}

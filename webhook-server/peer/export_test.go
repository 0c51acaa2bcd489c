package peer

import (
	"crypto/x509"
	"net/http"
)

var (
	DecodeClientCert = decodeClientCert
	DecodeXFCC       = decodeXFCC
	DecodePlain      = decodePlain
)

const (
	MaxHeaderBytes  = maxHeaderBytes
	MaxCertificates = maxCertificates
	MaxVerdicts     = maxVerdicts
	RefusalMemory   = refusalMemory
)

// Shrink makes the memories of header chains small.
func (v *Resolver) Shrink(size, bytes int) {
	v.accepted, v.refused = newMemory(size, bytes), newMemory(size, bytes)
}

func (m *memory) len() int { return len(m.younger) + len(m.older) }

// Accepted answers how many accepted header chains are remembered, in both generations.
func (v *Resolver) Accepted() int { return v.accepted.len() }

// Refused answers the same of refused ones.
func (v *Resolver) Refused() int { return v.refused.len() }

// Verdicts answers for how many bundles of CAs there is a verdict on the request's chain.
func (v *Resolver) Verdicts(r *http.Request) int {
	chain, _, err := v.chainOf(r)
	if err != nil {
		return 0
	}
	return len(chain.verdicts)
}

// Leaf answers the client's own certificate, or nil when none can be read.
func (v *Resolver) Leaf(r *http.Request) *x509.Certificate {
	chain, _, err := v.chainOf(r)
	if err != nil {
		return nil
	}
	return chain.certificates[0]
}

// Same says whether two requests are answered by the same parsed certificate.
func (v *Resolver) Same(a, b *http.Request) bool {
	first, second := v.Leaf(a), v.Leaf(b)
	return first != nil && first == second
}

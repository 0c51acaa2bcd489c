package peer

import (
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
	MaxGateways     = maxGateways
)

// Shrink makes the memory of header chains small.
func (v *Resolver) Shrink(size, bytes int) { v.memory = newMemory(size, bytes) }

// Remembered answers how many header chains are remembered, in both generations.
func (v *Resolver) Remembered() int { return len(v.memory.younger) + len(v.memory.older) }

// RememberedGateways answers for how many gateways the request's chain is remembered as good.
func (v *Resolver) RememberedGateways(r *http.Request) int {
	p, _, err := v.presented(r)
	if err != nil {
		return 0
	}
	return len(p.good)
}

// Same says whether two requests are answered by the same parsed certificate.
func (v *Resolver) Same(a, b *http.Request) bool {
	first, second := v.Leaf(a), v.Leaf(b)
	return first != nil && first == second
}

package peer

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// Options is what a Resolver goes by.
type Options struct {
	// TrustedProxies are the addresses whose X-Forwarded-For and Header are believed.
	TrustedProxies []netip.Prefix
	// Header is the field in which trusted proxies hand on the client's certificate; empty reads none. Its format goes with its name.
	//
	// With it, the header alone decides for connections from trusted proxies: the certificate of such a connection itself, if it has
	// one, is the proxy's and not the client's.
	Header string
	// Now is the clock by which certificates are valid.
	Now func() time.Time
}

// Validate names what is wrong with the options.
func (o Options) Validate() error {
	for _, p := range o.TrustedProxies {
		if !p.IsValid() {
			return errors.New("a trusted proxy is not an address range")
		}
	}
	if o.Header == "" {
		return nil
	}
	if !isToken(o.Header) || slices.Contains(takenHeaders, http.CanonicalHeaderKey(o.Header)) {
		return fmt.Errorf("%q cannot be the header of a client certificate", o.Header)
	}
	if len(o.TrustedProxies) == 0 {
		return errors.New("a client certificate header without trusted proxies is never read")
	}
	return nil
}

// takenHeaders mean something else already; the last is no certificate but goes with one.
var takenHeaders = []string{"Authorization", "Content-Type", "Host", forwardedFor, certificateChainHeader}

// Resolver answers who is at the other end of requests. It may be used by many goroutines at once.
type Resolver struct {
	proxies []netip.Prefix
	header  string // in canonical form
	now     func() time.Time
	// accepted and refused remember chains from headers.
	accepted, refused *memory
}

// New makes a Resolver of options that are valid.
func New(o Options) *Resolver {
	v := &Resolver{now: o.Now, accepted: newMemory(acceptedChains, acceptedBytes), refused: newMemory(refusedChains, refusedBytes)}
	if o.Header != "" {
		v.header = http.CanonicalHeaderKey(o.Header)
	}
	for _, p := range o.TrustedProxies {
		v.proxies = append(v.proxies, unmapPrefix(p))
	}
	return v
}

// Thumbprint answers the SHA-256 of the client's own certificate in base64url without padding, as in x5t#S256 (RFC 8705 section 3.1);
// "" when there is none that can be read.
func (v *Resolver) Thumbprint(r *http.Request) string {
	chain, _, err := v.chainOf(r)
	if err != nil {
		return ""
	}
	return chain.thumbprint
}

// CertificateInHeader says whether connections from the address bring the client's certificate in the header. Their handshake must ask
// for none: it would be the proxy's.
func (v *Resolver) CertificateInHeader(remote net.Addr) bool {
	return v.header != "" && v.trusted(parseRemote(remote.String()))
}

// chainOf answers the chain of a request. The key is that of a chain from a header which no gateway has accepted yet, and empty for others.
func (v *Resolver) chainOf(r *http.Request) (*clientChain, headerKey, error) {
	if v.header != "" && v.trusted(parseRemote(r.RemoteAddr)) {
		return v.fromHeader(r.Header)
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, headerKey{}, ErrNoCertificate
	}
	return chainOfConnection(r.Context(), r.TLS.PeerCertificates), headerKey{}, nil
}

func (v *Resolver) fromHeader(h http.Header) (*clientChain, headerKey, error) {
	value, lines := httpx.Single(h, v.header)
	if lines > 1 {
		return nil, headerKey{}, errSeveralLines
	}
	key := headerKey{value: value}
	if v.header == certificateHeader {
		key.chain = joinLines(h[certificateChainHeader])
	}
	if key == (headerKey{}) {
		return nil, key, ErrNoCertificate
	}
	if chain := v.accepted.get(key); chain != nil {
		return chain, headerKey{}, nil
	}
	if chain := v.refused.get(key); chain != nil {
		return chain, key, nil
	}
	certificates, err := decode(v.header, key)
	if err != nil {
		return nil, key, err
	}
	return newClientChain(certificates), key, nil
}

package peer

import (
	"crypto/x509"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Verify answers nil when the gateway asks for no client certificate, or accepts the request's: a chain to one of its CAs that is valid
// now and for client authentication, and the gateway's rules for it. Else the error is one of this package's.
func (v *Resolver) Verify(r *http.Request, g *serving.Gateway) error {
	if g.ClientCertificate == nil {
		return nil
	}
	_, err := v.Certificate(r, g)
	return err
}

// Certificate answers the client's own certificate when the gateway accepts it. A gateway that asks for none accepts none.
func (v *Resolver) Certificate(r *http.Request, g *serving.Gateway) (*x509.Certificate, error) {
	chain, unaccepted, err := v.chainOf(r)
	if err != nil {
		return nil, err
	}
	if err := chain.verify(g, v.now()); err != nil {
		v.refused.put(unaccepted, chain)
		return nil, err
	}
	v.accepted.put(unaccepted, chain)
	return chain.certificates[0], nil
}

// VerifyChain answers nil when the chain, the client's own certificate first, leads to one of the CAs by signatures, dates and usage. It
// does not look at any gateway's rules: a handshake that fails cannot say why, an answer can.
func VerifyChain(cas *serving.Authorities, chain []*x509.Certificate, now time.Time) error {
	_, err := verifyChain(cas, chain, now)
	return err
}

// verifyChain answers until when the chain holds.
func verifyChain(cas *serving.Authorities, chain []*x509.Certificate, now time.Time) (until time.Time, err error) {
	if len(chain) == 0 {
		return until, ErrNoCertificate
	}
	if cas == nil {
		return until, ErrUntrusted // without a pool x509 would take the system's CAs
	}
	if err := checkChainSize(chain); err != nil {
		return until, err
	}
	verified, err := chain[0].Verify(x509.VerifyOptions{
		Roots:         cas.Pool(),
		Intermediates: vouchedFor(cas, chain[1:]),
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return until, chainError(err, chain[0], now)
	}
	for _, c := range verified {
		if end := earliestEnd(c); end.After(until) {
			until = end
		}
	}
	return until, nil
}

// vouchedFor answers those of the certificates behind the client's own that one of the CAs has signed, or another that is vouched for.
//
// No path to a CA leads over any other, and x509 alone begins at the client's end: it would check up to a hundred signatures with keys that
// a stranger has made up, of the kind that takes longest. From this end a stranger's key is never used.
func vouchedFor(cas *serving.Authorities, candidates []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	var vouched, others []*x509.Certificate
	for _, c := range candidates {
		if signedByOne(c, cas.IssuersOf(c)) {
			vouched = append(vouched, c)
		} else {
			others = append(others, c)
		}
	}
	for len(vouched) > 0 {
		issuer := vouched[0]
		vouched = vouched[1:]
		pool.AddCert(issuer)
		rest := others[:0]
		for _, c := range others {
			if string(c.RawIssuer) == string(issuer.RawSubject) && c.CheckSignatureFrom(issuer) == nil {
				vouched = append(vouched, c)
			} else {
				rest = append(rest, c)
			}
		}
		others = rest
	}
	return pool
}

func signedByOne(c *x509.Certificate, issuers []*x509.Certificate) bool {
	for _, issuer := range issuers {
		if c.CheckSignatureFrom(issuer) == nil {
			return true
		}
	}
	return false
}

func earliestEnd(chain []*x509.Certificate) time.Time {
	end := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}

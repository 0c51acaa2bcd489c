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
	p, unremembered, err := v.presented(r)
	if err != nil {
		return nil, err
	}
	if err := p.verify(g, v.now()); err != nil {
		return nil, err
	}
	if unremembered != (headerKey{}) {
		v.memory.put(unremembered, p)
	}
	return p.chain[0], nil
}

// VerifyChain answers nil when the chain, the client's own certificate first, leads to one of the gateway's CAs by signatures, dates and
// usage. It does not look at the gateway's rules: a handshake that fails cannot say why, an answer can.
func VerifyChain(g *serving.Gateway, chain []*x509.Certificate, now time.Time) error {
	_, err := verifyChain(g, chain, now)
	return err
}

// verifyChain answers until when the chain holds.
func verifyChain(g *serving.Gateway, chain []*x509.Certificate, now time.Time) (until time.Time, err error) {
	if len(chain) == 0 {
		return until, ErrNoCertificate
	}
	if g.ClientCertificate == nil || g.ClientCAs == nil {
		return until, ErrUntrusted // without a pool x509 would take the system's CAs
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	verified, err := chain[0].Verify(x509.VerifyOptions{
		Roots:         g.ClientCAs,
		Intermediates: intermediates,
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

func earliestEnd(chain []*x509.Certificate) time.Time {
	end := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}

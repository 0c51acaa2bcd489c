package peer

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// maxVerdicts bounds for how many different bundles of CAs a chain's verdict is remembered.
	maxVerdicts = 32
	// refusalMemory is how long a chain stays refused without another look; an accepted one stays so until a certificate of it ends.
	refusalMemory = 5 * time.Second
)

// clientChain is the certificates that a client presented, its own first, and the verdicts on them. Signatures are so checked once a bundle
// of CAs and not once a request or gateway: gateways with the same bundle share its *serving.Authorities, and a changed bundle is another.
type clientChain struct {
	certificates []*x509.Certificate
	thumbprint   string

	mu       sync.Mutex
	verdicts map[*serving.Authorities]verdict
}

// verdict is whether a chain leads to a CA, and until when that holds.
type verdict struct {
	err   error
	until time.Time
}

func newClientChain(certificates []*x509.Certificate) *clientChain {
	sum := sha256.Sum256(certificates[0].Raw)
	return &clientChain{
		certificates: certificates, thumbprint: base64.RawURLEncoding.EncodeToString(sum[:]), verdicts: map[*serving.Authorities]verdict{},
	}
}

// verify answers nil when the gateway accepts the chain.
func (c *clientChain) verify(g *serving.Gateway, now time.Time) error {
	if g.ClientCertificate == nil {
		return ErrUntrusted
	}
	if err := c.leadsTo(g.ClientCAs, now); err != nil {
		return err
	}
	return Matches(c.certificates[0], g.ClientCertificate.CertificateRules)
}

// leadsTo looks at the chain once at a time, so that many first requests of one client cost one look.
func (c *clientChain) leadsTo(cas *serving.Authorities, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, known := c.verdicts[cas]; known && now.Before(v.until) {
		return v.err
	}
	until, err := verifyChain(cas, c.certificates, now)
	if err != nil {
		until = now.Add(refusalMemory)
	}
	c.remember(cas, verdict{err, until})
	return err
}

// remember makes room by forgetting any one: that one costs another look.
func (c *clientChain) remember(cas *serving.Authorities, v verdict) {
	if _, known := c.verdicts[cas]; !known && len(c.verdicts) >= maxVerdicts {
		for other := range c.verdicts {
			delete(c.verdicts, other)
			break
		}
	}
	c.verdicts[cas] = v
}

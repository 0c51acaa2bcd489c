package peer

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"maps"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// maxGateways bounds for how many gateways a chain is remembered as good.
const maxGateways = 256

// presented is a chain that a client presented, its own certificate first. It remembers for which gateways the chain was found good, and
// until when, so that signatures are not checked once a request. A changed gateway is another *serving.Gateway and is looked at anew.
type presented struct {
	chain      []*x509.Certificate
	thumbprint string

	mu   sync.Mutex
	good map[*serving.Gateway]time.Time
}

func newPresented(chain []*x509.Certificate) *presented {
	sum := sha256.Sum256(chain[0].Raw)
	return &presented{chain: chain, thumbprint: base64.RawURLEncoding.EncodeToString(sum[:])}
}

// verify looks at the chain once at a time, so that many first requests of one client cost one look.
func (p *presented) verify(g *serving.Gateway, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.good[g]) {
		return nil
	}
	until, err := verifyChain(g, p.chain, now)
	if err != nil {
		return err
	}
	if err := Matches(p.chain[0], g.ClientCertificate.CertificateRules); err != nil {
		return err
	}
	p.remember(g, until)
	return nil
}

// remember drops what is known of former states of the gateway, which a long connection would otherwise keep in memory.
func (p *presented) remember(g *serving.Gateway, until time.Time) {
	maps.DeleteFunc(p.good, func(other *serving.Gateway, _ time.Time) bool {
		return other.Name == g.Name && other.Namespace == g.Namespace
	})
	if len(p.good) >= maxGateways {
		for other := range p.good { // any one
			delete(p.good, other)
			break
		}
	}
	if p.good == nil {
		p.good = map[*serving.Gateway]time.Time{}
	}
	p.good[g] = until
}

package serving

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// Authorities are the CAs that client certificates are verified against. Gateways of one State whose bundles are the same text share one
// *Authorities, so that a chain which one of them accepts or refuses needs no second look for the others. It never changes.
type Authorities struct {
	certificates []*x509.Certificate
	pool         *x509.CertPool
	bySubject    map[string][]*x509.Certificate // by the subject as it is encoded
}

// NewAuthorities takes each certificate once, however often it is given.
func NewAuthorities(certificates ...*x509.Certificate) *Authorities {
	a := &Authorities{pool: x509.NewCertPool(), bySubject: map[string][]*x509.Certificate{}}
	for _, c := range certificates {
		subject := string(c.RawSubject)
		if slices.ContainsFunc(a.bySubject[subject], c.Equal) {
			continue
		}
		a.certificates = append(a.certificates, c)
		a.bySubject[subject] = append(a.bySubject[subject], c)
		a.pool.AddCert(c)
	}
	return a
}

// Pool answers the CAs as crypto/x509 takes them. It belongs to the Authorities.
func (a *Authorities) Pool() *x509.CertPool { return a.pool }

// IssuersOf answers the CAs that bear the name of the certificate's issuer; whether one of them has signed it is not looked at.
func (a *Authorities) IssuersOf(c *x509.Certificate) []*x509.Certificate {
	return a.bySubject[string(c.RawIssuer)]
}

// union accepts what any of them accepts.
func union(all []*Authorities) *Authorities {
	if len(all) == 1 {
		return all[0]
	}
	var certificates []*x509.Certificate
	for _, a := range all {
		certificates = append(certificates, a.certificates...)
	}
	return NewAuthorities(certificates...)
}

// authoritiesByText holds those that compiled gateways share, by the PEM of their bundle.
type authoritiesByText map[string]*Authorities

func (known authoritiesByText) parse(bundle api.CABundle) (*Authorities, error) {
	if a := known[bundle.PEM]; a != nil {
		return a, nil
	}
	certificates, err := parseCertificates(bundle)
	if err != nil {
		return nil, err
	}
	a := NewAuthorities(certificates...)
	known[bundle.PEM] = a
	return a, nil
}

// retain forgets those that no gateway uses any more.
func (known authoritiesByText) retain(gateways map[string]*Gateway) {
	used := map[*Authorities]bool{}
	for _, g := range gateways {
		used[g.ClientCAs] = true
	}
	maps.DeleteFunc(known, func(_ string, a *Authorities) bool { return !used[a] })
}

// parseCertificates passes over what is no certificate or cannot be read, as x509.CertPool.AppendCertsFromPEM does.
func parseCertificates(bundle api.CABundle) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for block, rest := pem.Decode([]byte(bundle.PEM)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" || len(block.Headers) != 0 {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			certificates = append(certificates, c)
		}
	}
	if len(certificates) == 0 {
		return nil, fmt.Errorf("CA bundle %s holds no certificate", bundle.ID)
	}
	return certificates, nil
}

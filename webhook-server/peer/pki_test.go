package peer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// today is when the tests take place. Certificates are valid from a day before to a day after unless they say otherwise.
var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(when time.Time) func() time.Time { return func() time.Time { return when } }

// authority is a CA.
type authority struct {
	tb          testing.TB
	certificate *x509.Certificate
	key         crypto.Signer
}

type change func(*x509.Certificate)

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func caTemplate(name string, changes []change) *x509.Certificate {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
		NotBefore:             today.AddDate(0, 0, -1),
		NotAfter:              today.AddDate(0, 0, 1),
	}
	for _, c := range changes {
		c(template)
	}
	return template
}

func newAuthority(tb testing.TB, name string, changes ...change) *authority {
	tb.Helper()
	a := &authority{tb: tb, key: newKey(tb)}
	template := caTemplate(name, changes)
	template.SerialNumber = serial(tb)
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		tb.Fatal(err)
	}
	a.certificate = parse(tb, der)
	return a
}

// intermediate is a CA below this one.
func (a *authority) intermediate(name string, changes ...change) *authority {
	a.tb.Helper()
	key := newKey(a.tb)
	return &authority{tb: a.tb, certificate: a.sign(caTemplate(name, changes), key.Public()), key: key}
}

// leaf is a client certificate with the subject CN=d1-out,O=Thales.
func (a *authority) leaf(changes ...change) *x509.Certificate {
	a.tb.Helper()
	certificate, _ := a.leafAndKey(changes...)
	return certificate
}

func (a *authority) leafAndKey(changes ...change) (*x509.Certificate, crypto.Signer) {
	a.tb.Helper()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "d1-out", Organization: []string{"Thales"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore:   today.AddDate(0, 0, -1),
		NotAfter:    today.AddDate(0, 0, 1),
	}
	for _, c := range changes {
		c(template)
	}
	key := newKey(a.tb)
	return a.sign(template, key.Public()), key
}

// watch counts each use of a P-256 certificate's key, at least once a signature.
func watch(certificate *x509.Certificate) *atomic.Int64 {
	uses := new(atomic.Int64)
	key := *certificate.PublicKey.(*ecdsa.PublicKey)
	key.Curve = watched{key.Curve, uses}
	certificate.PublicKey = &key
	return uses
}

type watched struct {
	elliptic.Curve
	uses *atomic.Int64
}

func (w watched) Params() *elliptic.CurveParams {
	w.uses.Add(1)
	return w.Curve.Params()
}

func (a *authority) sign(template *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
	a.tb.Helper()
	template.SerialNumber = serial(a.tb)
	parent := *a.certificate
	parent.PublicKey = a.key.Public() // it may be watched
	der, err := x509.CreateCertificate(rand.Reader, template, &parent, public, a.key)
	if err != nil {
		a.tb.Fatal(err)
	}
	return parse(a.tb, der)
}

func serial(tb testing.TB) *big.Int {
	tb.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func parse(tb testing.TB, der []byte) *x509.Certificate {
	tb.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func validity(from, to time.Time) change {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to }
}

func subject(name pkix.Name) change { return func(c *x509.Certificate) { c.Subject = name } }

// gateway accepts the CAs under the rules.
func gateway(rules api.CertificateRules, cas ...*authority) *serving.Gateway {
	var certificates []*x509.Certificate
	for _, ca := range cas {
		certificates = append(certificates, ca.certificate)
	}
	document := &api.Gateway{ClientCertificate: &api.ClientCertificate{CABundle: "thales", CertificateRules: rules}}
	document.Namespace, document.Name = "payments", "acme"
	return &serving.Gateway{Gateway: document, ClientCAs: serving.NewAuthorities(certificates...)}
}

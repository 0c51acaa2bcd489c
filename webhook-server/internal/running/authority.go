package running

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// Authority is a CA of a test's own.
type Authority struct {
	Certificate *x509.Certificate

	tb  testing.TB
	key crypto.Signer
	// chain is what a leaf of an intermediate CA is presented with, below the root.
	chain [][]byte
}

// NewAuthority makes a root CA that is good for an hour around now.
func NewAuthority(tb testing.TB, name string) *Authority {
	tb.Helper()
	a := &Authority{tb: tb}
	a.Certificate, a.key = a.Sign(caTemplate(name))
	return a
}

// Intermediate makes a CA below this one; its leaves are presented with its certificate.
func (a *Authority) Intermediate(name string) *Authority {
	a.tb.Helper()
	below := &Authority{tb: a.tb}
	below.Certificate, below.key = a.Sign(caTemplate(name))
	below.chain = append([][]byte{below.Certificate.Raw}, a.chain...)
	return below
}

func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

// Sign issues a certificate for a new P-256 key. It chooses the serial number. An authority without a certificate signs its own.
func (a *Authority) Sign(template *x509.Certificate) (*x509.Certificate, crypto.Signer) {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64)); err != nil {
		a.tb.Fatal(err)
	}
	parent, parentKey := a.Certificate, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		a.tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		a.tb.Fatal(err)
	}
	return certificate, key
}

// PEM is the authority's certificate.
func (a *Authority) PEM() string { return encodePEM("CERTIFICATE", a.Certificate.Raw) }

// Pool trusts this authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// LeafTemplate is a certificate for localhost that serves as a server's or a client's, to be changed and given to Issue.
func LeafTemplate(subject pkix.Name, notAfter time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject: subject, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: notAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
}

// Issue makes a certificate with its key, and with the chain below the root.
func (a *Authority) Issue(template *x509.Certificate) tls.Certificate {
	a.tb.Helper()
	certificate, key := a.Sign(template)
	return tls.Certificate{Certificate: append([][]byte{certificate.Raw}, a.chain...), PrivateKey: key, Leaf: certificate}
}

// Leaf issues a certificate for localhost that serves as a server's or a client's.
func (a *Authority) Leaf(subject pkix.Name, notAfter time.Time) tls.Certificate {
	a.tb.Helper()
	return a.Issue(LeafTemplate(subject, notAfter))
}

// SelfSigned makes a certificate that signs itself.
func SelfSigned(tb testing.TB, template *x509.Certificate) tls.Certificate {
	tb.Helper()
	certificate, key := (&Authority{tb: tb}).Sign(template)
	return tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key, Leaf: certificate}
}

// EncodePEM is a certificate chain and its key, as a kubernetes.io/tls Secret and the server's flags hold them.
func (a *Authority) EncodePEM(c tls.Certificate) (certificatePEM, keyPEM string) {
	a.tb.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		a.tb.Fatal(err)
	}
	for _, der := range c.Certificate {
		certificatePEM += encodePEM("CERTIFICATE", der)
	}
	return certificatePEM, encodePEM("PRIVATE KEY", key)
}

// WriteFiles writes a certificate chain and its key as the server's flags want them.
func (a *Authority) WriteFiles(c tls.Certificate, certPath, keyPath string) {
	a.tb.Helper()
	certificate, key := a.EncodePEM(c)
	for path, text := range map[string]string{certPath: certificate, keyPath: key} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			a.tb.Fatal(err)
		}
	}
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

package app

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// party is a certificate with its key.
type party struct {
	tls.Certificate
	key crypto.Signer
}

func newParty(tb testing.TB, name string, of *party, key crypto.Signer, public crypto.PublicKey) *party {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{rand.Text() + ".example"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		NotBefore:   fixture.Now().Add(-time.Hour), NotAfter: fixture.Now().Add(time.Hour),
	}
	parent, signer := template, key
	if of != nil {
		parent, signer = of.Leaf, of.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &party{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, key}
}

func newKey(tb testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func (p *party) below(tb testing.TB, name string, curve elliptic.Curve) *party {
	tb.Helper()
	key := newKey(tb, curve)
	return newParty(tb, name, p, key, key.Public())
}

func newRoot(tb testing.TB, name string, curve elliptic.Curve) *party {
	tb.Helper()
	key := newKey(tb, curve)
	return newParty(tb, name, nil, key, key.Public())
}

// slow is a client whose issuer's name that many certificates behind its own bear, all with made-up keys of the slowest kind that
// crypto/tls lets pass.
func slow(tb testing.TB, issuer string, count int) tls.Certificate {
	tb.Helper()
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	root := newParty(tb, issuer, nil, signer, signer.Public())
	client := root.below(tb, "client", elliptic.P256()).Certificate
	client.Certificate[0] = withSignature(tb, client.Certificate[0], 8192/8)
	for range count {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 8191))
		if err != nil {
			tb.Fatal(err)
		}
		n.SetBit(n.SetBit(n, 8191, 1), 0, 1)
		behind := newParty(tb, issuer, root, nil, &rsa.PublicKey{N: n, E: 1<<31 - 1})
		client.Certificate = append(client.Certificate, behind.Certificate.Certificate[0])
	}
	return client
}

// withSignature gives a certificate a signature of nobody's, of that many bytes: only one of the key's own length is looked at.
func withSignature(tb testing.TB, der []byte, length int) []byte {
	tb.Helper()
	var certificate struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &certificate); err != nil {
		tb.Fatal(err)
	}
	made := make([]byte, length)
	_, _ = rand.Read(made) // it never fails
	made[0] = 0            // less than the modulus
	certificate.Signature = asn1.BitString{Bytes: made, BitLength: 8 * length}
	der, err := asn1.Marshal(certificate)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// presenting are the chains of the review: each names the CA that the gateways accept.
func presenting(tb testing.TB, ca *party) map[string]tls.Certificate {
	tb.Helper()
	cross := newRoot(tb, ca.Leaf.Subject.CommonName, elliptic.P521())
	signed := cross.below(tb, "client", elliptic.P256())
	for range 7 {
		c := newParty(tb, ca.Leaf.Subject.CommonName, cross, nil, cross.key.Public())
		signed.Certificate.Certificate = append(signed.Certificate.Certificate, c.Certificate.Certificate[0])
	}
	return map[string]tls.Certificate{
		"Accepted": ca.below(tb, "client", elliptic.P256()).Certificate, "HundredRSA8192": slow(tb, ca.Leaf.Subject.CommonName, 100),
		"SevenRSA8192": slow(tb, ca.Leaf.Subject.CommonName, 7), "SevenP521": signed.Certificate,
	}
}

const handshakeHost = "d1.acme.example"

// served is a Snapshot of gateways on one host; with bundles of their own their CAs differ, but not in name.
func served(tb testing.TB, ca *party, gateways int, ownBundles bool) *serving.Snapshot {
	tb.Helper()
	base := fixture.New(tb)
	state := serving.NewState(slog.New(slog.DiscardHandler))
	var updates []serving.Update
	for i := range gateways {
		gateway, secrets := *base.Gateway, *base.Secrets
		gateway.Name = fmt.Sprintf("gateway-%d", i)
		gateway.GatewayID = fmt.Sprintf("MGW_%06d", i)
		gateway.Issuer = "https://d1.acme.example/merchant-gateways/" + gateway.GatewayID
		secrets.Name = gateway.Name
		gateway.Hostnames = []string{handshakeHost}
		of := ca
		if ownBundles && i > 0 {
			of = newRoot(tb, ca.Leaf.Subject.CommonName, elliptic.P256())
		}
		bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: of.Leaf.Raw})
		secrets.CABundles = []api.CABundle{{ID: "client-ca", PEM: string(bundle)}}
		gateway.ClientCertificate = &api.ClientCertificate{CABundle: "client-ca"}
		for _, d := range []api.Document{&secrets, &gateway} {
			data, err := api.Encode(d)
			if err != nil {
				tb.Fatal(err)
			}
			updates = append(updates, serving.Update{Object: d.Head().ObjectName(), Data: data})
		}
	}
	state.Apply(updates)
	if problems := state.Problems(); len(problems) > 0 {
		tb.Fatal(problems[0].Err)
	}
	return state.Snapshot()
}

// shake makes one handshake and answers the server's error.
func shake(tb testing.TB, config *tls.Config, certificate tls.Certificate) error {
	tb.Helper()
	near, far := net.Pipe()
	defer func() { _ = near.Close(); _ = far.Close() }()
	client := tls.Client(near, &tls.Config{
		ServerName: handshakeHost, Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13,
		InsecureSkipVerify: true,
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if client.HandshakeContext(tb.Context()) == nil {
			_, _ = client.Read(make([]byte, 1)) // the verdict
		}
	}()
	err := tls.Server(far, config).HandshakeContext(tb.Context())
	_ = far.Close()
	<-done
	return err
}

package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// CA answers a new self-signed CA certificate in PEM.
func CA(t *testing.T, name string) string {
	t.Helper()
	certificate, _ := selfSigned(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return certificate
}

// ServerCertificate answers the data of a kubernetes.io/tls Secret with a new self-signed certificate for the hosts.
func ServerCertificate(t *testing.T, hosts ...string) map[string]string {
	t.Helper()
	certificate, key := selfSigned(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "made-up server"}, DNSNames: hosts, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return map[string]string{v1alpha1.KeyTLSCertificate: certificate, v1alpha1.KeyTLSKey: key}
}

func selfSigned(t *testing.T, template *x509.Certificate) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

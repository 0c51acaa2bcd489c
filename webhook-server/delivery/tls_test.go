package delivery_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
)

// authority is a CA of the test's own.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.certificate, a.key = template, a.newKey()
	der := a.sign(template, &a.key.PublicKey)
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.certificate = parsed
	a.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template *x509.Certificate, public *ecdsa.PublicKey) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// issue answers a leaf and its key in PEM.
func (a *authority) issue(name string, usage x509.ExtKeyUsage) (certificate, key string) {
	a.t.Helper()
	private := a.newKey()
	der := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, &private.PublicKey)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

func TestTLSWithAPrivateCAAndAClientCertificate(t *testing.T) {
	ca, clientCA := newAuthority(t), newAuthority(t)
	certificate, key := ca.issue("merchant", x509.ExtKeyUsageServerAuth)
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(clientCA.certificate)
	type seen struct{ client, protocol string }
	requests := make(chan seen, 10)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requests <- seen{r.TLS.PeerCertificates[0].Subject.CommonName, r.Proto}
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()

	w := newWorld(t)
	clientCertificate, clientKey := clientCA.issue("d1gateway", x509.ExtKeyUsageClientAuth)
	strangerCertificate, strangerKey := newAuthority(t).issue("stranger", x509.ExtKeyUsageClientAuth)
	w.secrets.CABundles = []api.CABundle{{ID: "ca", PEM: ca.pem}, {ID: "other-ca", PEM: clientCA.pem}}
	w.secrets.Certificates = []api.KeyCertificate{
		{ID: "client", CertificatePEM: clientCertificate, KeyPEM: api.NewSecret(clientKey)},
		{ID: "stranger", CertificatePEM: strangerCertificate, KeyPEM: api.NewSecret(strangerKey)},
	}
	// Under TLS 1.3 the client has finished its handshake before the server looks at the certificate: it may see the alert or only the end.
	refused := []delivery.Reason{delivery.TLS, delivery.ConnectionLost}
	cases := []struct {
		name string
		tls  api.TLS
		want []delivery.Reason
	}{
		{"the right CA and client certificate", api.TLS{CABundle: "ca", ClientCertificate: "client"}, []delivery.Reason{delivery.Delivered}},
		{"no client certificate", api.TLS{CABundle: "ca"}, refused},
		{"a client certificate of another CA", api.TLS{CABundle: "ca", ClientCertificate: "stranger"}, refused},
		{"the system's roots", api.TLS{ClientCertificate: "client"}, []delivery.Reason{delivery.TLS}},
		{"another CA", api.TLS{CABundle: "other-ca", ClientCertificate: "client"}, []delivery.Reason{delivery.TLS}},
	}
	for i, c := range cases {
		d := destination(s.URL)
		d.TLS = c.tls
		w.merchant(merchantID(i), d)
	}
	w.apply()
	sends := sender(t, loopback)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := sends.Attempt(context.Background(), notification("n", merchantID(i)), "payments/acme", w.served(merchantID(i)))
			if !slices.Contains(c.want, v.Reason) {
				t.Errorf("%+v, want %v", v, c.want)
			}
		})
	}
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	if got := <-requests; got != (seen{"d1gateway", "HTTP/2.0"}) {
		t.Errorf("%+v", got)
	}
}

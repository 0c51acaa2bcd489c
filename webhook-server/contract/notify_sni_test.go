package contract_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/url"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

const gatewayHost = "d1.acme.example"

// serverLeaf is a certificate for the gateway's host.
func serverLeaf(ca *running.Authority, name string) tls.Certificate {
	template := running.LeafTemplate(pkix.Name{CommonName: name}, time.Now().Add(time.Hour))
	template.DNSNames = []string{gatewayHost}
	return ca.Issue(template)
}

func testServerCertificateInSecret(t *testing.T) {
	w := running.StartTLS(t, nil)
	put := func(id, name string) {
		certificatePEM, keyPEM := w.CA.EncodePEM(serverLeaf(w.CA, name))
		w.Planted(keyPEM)
		w.Documents.Gateway.Hostnames = []string{gatewayHost}
		w.Documents.Gateway.ServerCertificate = id
		w.Documents.Secrets.Certificates = []api.KeyCertificate{{ID: id, CertificatePEM: certificatePEM, KeyPEM: api.NewSecret(keyPEM)}}
		w.Publish()
	}
	at := func(t *testing.T, version uint16, host string) string {
		t.Helper()
		config := w.TLSConfig(version)
		config.ServerName = host
		c := w.ClientOf(config, false).For(t).Dial().(*tls.Conn)
		defer func() { _ = c.Close() }()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	put("first", "first")
	config := w.TLSConfig(tls.VersionTLS13)
	config.ServerName = gatewayHost
	there := w.ClientOf(config, true).For(t)
	t0 := running.T0().WithHost(gatewayHost)
	wantOK.check(t, there.Do(t0))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for host, want := range map[string]string{gatewayHost: "first", "localhost": "server"} {
			if got := at(t, version, host); got != want {
				t.Errorf("%s is presented %q", host, got)
			}
		}
	}
	put("second", "second")
	if got := at(t, tls.VersionTLS13, gatewayHost); got != "second" {
		t.Errorf("after the change %q is presented", got)
	}
	wantOK.check(t, there.Do(t0)) // its connection has not been dropped
}

func testSubjectAltNames(t *testing.T) {
	ca := running.NewAuthority(t, "Thales client CA")
	w := running.StartTLS(t, func(w *running.World) {
		w.RequireClientCertificate(ca)
		w.Documents.Gateway.ClientCertificate.SubjectAltNames = []string{"DNS:d1.thales.example", "URI:spiffe://thales.example/d1", "EMAIL:d1@thales.example", "IP:192.0.2.1"}
	})
	leaf := func(change func(c *x509.Certificate)) tls.Certificate {
		template := running.LeafTemplate(d1, time.Now().Add(time.Hour))
		template.DNSNames, template.IPAddresses = nil, nil
		change(template)
		return ca.Issue(template)
	}
	spiffe := func(text string) []*url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return []*url.URL{u}
	}
	good := leaf(func(c *x509.Certificate) { c.DNSNames = []string{"d1.thales.example"} })
	token := w.Token(w.Over(running.TLS13, good))
	for name, tc := range map[string]struct {
		certificate tls.Certificate
		want        want
	}{
		"a DNS name":                {good, wantA},
		"a DNS name in capitals":    {leaf(func(c *x509.Certificate) { c.DNSNames = []string{"D1.THALES.EXAMPLE"} }), wantA},
		"a DNS name among others":   {leaf(func(c *x509.Certificate) { c.DNSNames = []string{"x.example", "d1.thales.example"} }), wantA},
		"a URI":                     {leaf(func(c *x509.Certificate) { c.URIs = spiffe("spiffe://thales.example/d1") }), wantA},
		"an address of mail":        {leaf(func(c *x509.Certificate) { c.EmailAddresses = []string{"d1@thales.example"} }), wantA},
		"an IP address":             {leaf(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} }), wantA},
		"none":                      {leaf(func(*x509.Certificate) {}), wantNoToken},
		"another DNS name":          {leaf(func(c *x509.Certificate) { c.DNSNames = []string{"d2.thales.example"} }), wantNoToken},
		"a DNS name below":          {leaf(func(c *x509.Certificate) { c.DNSNames = []string{"x.d1.thales.example"} }), wantNoToken},
		"a wildcard":                {leaf(func(c *x509.Certificate) { c.DNSNames = []string{"*.thales.example"} }), wantNoToken},
		"another URI":               {leaf(func(c *x509.Certificate) { c.URIs = spiffe("spiffe://thales.example/d2") }), wantNoToken},
		"the DNS name as a subject": {leaf(func(c *x509.Certificate) { c.Subject.CommonName = "d1.thales.example" }), wantNoToken},
		"the DNS name as a URI":     {leaf(func(c *x509.Certificate) { c.URIs = spiffe("//d1.thales.example") }), wantNoToken},
		"another IP address":        {leaf(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 2)} }), wantNoToken},
	} {
		for _, transport := range w.Transports() {
			t.Run(name+" "+transport.Name, func(t *testing.T) {
				tc.want.check(t, w.Over(transport, tc.certificate).For(t).Do(running.N0(token)))
			})
		}
	}
}

package peer_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestWhichCertificatesAGatewayAccepts(t *testing.T) {
	thales, next, other := newAuthority(t, "Thales CA"), newAuthority(t, "Thales CA 2"), newAuthority(t, "another CA")
	gone := newAuthority(t, "Thales CA 0", validity(today.AddDate(-2, 0, 0), today.AddDate(-1, 0, 0)))
	issuing := thales.intermediate("Thales issuing CA")
	expiredIssuing := thales.intermediate("Thales former issuing CA", validity(today.AddDate(-2, 0, 0), today.AddDate(-1, 0, 0)))
	serverIssuing := thales.intermediate("Thales server CA", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	noCA := thales.intermediate("no CA", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	usage := func(usages ...x509.ExtKeyUsage) change { return func(c *x509.Certificate) { c.ExtKeyUsage = usages } }
	listed := api.CertificateRules{Subjects: []string{"CN=d1-out,O=Thales"}}
	for name, tc := range map[string]struct {
		g     *serving.Gateway
		chain []*x509.Certificate
		want  error
	}{
		"of its CA":                             {gateway(listed, thales), []*x509.Certificate{thales.leaf()}, nil},
		"of the former CA during a change":      {gateway(listed, thales, next), []*x509.Certificate{thales.leaf()}, nil},
		"of the next CA during a change":        {gateway(listed, thales, next), []*x509.Certificate{next.leaf()}, nil},
		"of the former CA after a change":       {gateway(listed, next), []*x509.Certificate{thales.leaf()}, peer.ErrUntrusted},
		"of another CA":                         {gateway(listed, thales), []*x509.Certificate{other.leaf()}, peer.ErrUntrusted},
		"of another CA of the same name":        {gateway(listed, thales), []*x509.Certificate{newAuthority(t, "Thales CA").leaf()}, peer.ErrUntrusted},
		"signed by itself":                      {gateway(listed, thales), []*x509.Certificate{newAuthority(t, "d1-out").certificate}, peer.ErrUntrusted},
		"with its intermediate":                 {gateway(listed, thales), []*x509.Certificate{issuing.leaf(), issuing.certificate}, nil},
		"with its intermediate and the root":    {gateway(listed, thales), []*x509.Certificate{issuing.leaf(), issuing.certificate, thales.certificate}, nil},
		"without its intermediate":              {gateway(listed, thales), []*x509.Certificate{issuing.leaf()}, peer.ErrUntrusted},
		"of an intermediate in the bundle":      {gateway(listed, issuing), []*x509.Certificate{issuing.leaf()}, nil},
		"with a CA of its own choice behind it": {gateway(listed, thales), []*x509.Certificate{other.leaf(), other.certificate, thales.certificate}, peer.ErrUntrusted},
		"of one that is no CA":                  {gateway(listed, thales), []*x509.Certificate{noCA.leaf(), noCA.certificate}, peer.ErrUntrusted},
		"that has expired":                      {gateway(listed, thales), []*x509.Certificate{thales.leaf(validity(today.AddDate(0, 0, -2), today.Add(-time.Second)))}, peer.ErrExpired},
		"in its last second":                    {gateway(listed, thales), []*x509.Certificate{thales.leaf(validity(today.AddDate(0, 0, -2), today))}, nil},
		"that is not valid yet":                 {gateway(listed, thales), []*x509.Certificate{thales.leaf(validity(today.Add(time.Second), today.AddDate(0, 0, 1)))}, peer.ErrNotYetValid},
		"of an expired CA":                      {gateway(listed, gone), []*x509.Certificate{gone.leaf()}, peer.ErrExpired},
		"of an expired CA beside a valid one":   {gateway(listed, gone, thales), []*x509.Certificate{gone.leaf()}, peer.ErrExpired},
		"of an expired intermediate":            {gateway(listed, thales), []*x509.Certificate{expiredIssuing.leaf(), expiredIssuing.certificate}, peer.ErrExpired},
		"for servers only":                      {gateway(listed, thales), []*x509.Certificate{thales.leaf(usage(x509.ExtKeyUsageServerAuth))}, peer.ErrUsage},
		"for servers and clients":               {gateway(listed, thales), []*x509.Certificate{thales.leaf(usage(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth))}, nil},
		"without a word of its usage":           {gateway(listed, thales), []*x509.Certificate{thales.leaf(usage())}, nil},
		"of an intermediate for servers only":   {gateway(listed, thales), []*x509.Certificate{serverIssuing.leaf(), serverIssuing.certificate}, peer.ErrUsage},
		"with another subject":                  {gateway(listed, thales), []*x509.Certificate{thales.leaf(subject(pkix.Name{CommonName: "d1-in", Organization: []string{"Thales"}}))}, peer.ErrSubject},
		"none":                                  {gateway(listed, thales), nil, peer.ErrNoCertificate},
		"any where none is asked for":           {&serving.Gateway{Gateway: &api.Gateway{}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := direct()
			r := over(request(t, stranger), tc.chain...)
			for range 2 { // the second from memory, if at all
				if err := v.Verify(r, tc.g); !errors.Is(err, tc.want) {
					t.Fatalf("error is %v, want %v", err, tc.want)
				}
			}
			if tc.g.ClientCertificate == nil {
				return
			}
			leaf, err := v.Certificate(r, tc.g)
			if !errors.Is(err, tc.want) || (err == nil) != (leaf != nil) {
				t.Errorf("certificate is %v, error %v", leaf != nil, err)
			}
			chainOnly := tc.want
			if errors.Is(tc.want, peer.ErrSubject) {
				chainOnly = nil
			}
			if err := peer.VerifyChain(tc.g.ClientCAs, tc.chain, today); !errors.Is(err, chainOnly) {
				t.Errorf("error of the chain alone is %v", err)
			}
		})
	}
}

func TestAGatewayWithoutCAsDoesNotFallBackOnThoseOfTheSystem(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, []byte(pemOf(thales.certificate)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	g := gateway(api.CertificateRules{}, thales)
	g.ClientCAs = nil
	if err := direct().Verify(over(request(t, stranger), thales.leaf()), g); !errors.Is(err, peer.ErrUntrusted) {
		t.Errorf("error is %v", err)
	}
	if _, err := direct().Certificate(over(request(t, stranger), thales.leaf()), &serving.Gateway{Gateway: &api.Gateway{}, ClientCAs: gateway(api.CertificateRules{}, thales).ClientCAs}); !errors.Is(err, peer.ErrUntrusted) {
		t.Errorf("error of a gateway that asks for none is %v", err)
	}
}

func TestNoErrorRepeatsTextOfTheCertificate(t *testing.T) {
	const planted = "planted-text"
	named := subject(pkix.Name{CommonName: planted, Organization: []string{planted}})
	dns := func(c *x509.Certificate) { c.DNSNames = []string{planted + ".example"} }
	thales, other := newAuthority(t, planted+" CA"), newAuthority(t, planted)
	constrained := thales.intermediate(planted, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"thales.example"}
	})
	old := validity(today.AddDate(-2, 0, 0), today.AddDate(-1, 0, 0))
	for name, tc := range map[string]struct {
		rules api.CertificateRules
		chain []*x509.Certificate
	}{
		"another CA":           {api.CertificateRules{}, []*x509.Certificate{other.leaf(named), other.certificate}},
		"name constraints":     {api.CertificateRules{}, []*x509.Certificate{constrained.leaf(named, dns), constrained.certificate}},
		"expired":              {api.CertificateRules{}, []*x509.Certificate{thales.leaf(named, old)}},
		"subject":              {api.CertificateRules{Subjects: []string{"CN=d1-out"}}, []*x509.Certificate{thales.leaf(named)}},
		"alternative name":     {api.CertificateRules{SubjectAltNames: []string{"DNS:d1.example"}}, []*x509.Certificate{thales.leaf(named, dns)}},
		"same name, new key":   {api.CertificateRules{}, []*x509.Certificate{newAuthority(t, planted+" CA").leaf(named)}},
		"an issuer that isn't": {api.CertificateRules{}, []*x509.Certificate{thales.intermediate(planted, func(c *x509.Certificate) { c.IsCA = false; c.KeyUsage = 0 }).leaf(named), thales.certificate}},
	} {
		t.Run(name, func(t *testing.T) {
			err := direct().Verify(over(request(t, stranger), tc.chain...), gateway(tc.rules, thales))
			if err == nil {
				t.Fatal("it is accepted")
			}
			if strings.Contains(err.Error(), "planted") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestMemoryEndsWithTheFirstCertificateOfTheChain(t *testing.T) {
	end := today.Add(time.Hour)
	thales := newAuthority(t, "Thales CA")
	issuing := thales.intermediate("issuing", validity(today.AddDate(0, 0, -1), end))
	short := newAuthority(t, "short CA", validity(today.AddDate(0, 0, -1), end))
	for name, chain := range map[string][]*x509.Certificate{
		"leaf":         {thales.leaf(validity(today.AddDate(0, 0, -1), end))},
		"intermediate": {issuing.leaf(), issuing.certificate},
		"CA":           {short.leaf()},
	} {
		t.Run(name, func(t *testing.T) {
			now := today
			v := peer.New(peer.Options{Now: func() time.Time { return now }})
			r, g := over(request(t, stranger), chain...), gateway(api.CertificateRules{}, thales, short)
			for _, tc := range []struct {
				at   time.Time
				want error
			}{{today, nil}, {end.Add(-time.Second), nil}, {end, nil}, {end.Add(time.Second), peer.ErrExpired}} {
				now = tc.at
				if err := v.Verify(r, g); !errors.Is(err, tc.want) {
					t.Errorf("at %v the error is %v, want %v", tc.at, err, tc.want)
				}
			}
		})
	}
}

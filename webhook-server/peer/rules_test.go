package peer_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"net/url"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

func TestCertificateRules(t *testing.T) {
	leaf := newAuthority(t, "CA").leaf(func(c *x509.Certificate) {
		c.Subject = pkix.Name{
			CommonName: "d1-out", Organization: []string{"Thales", "Thales DIS"}, OrganizationalUnit: []string{"D1"},
			Country: []string{"FR"}, Locality: []string{"Meudon"}, Province: []string{"IDF"}, SerialNumber: "4711",
		}
		c.DNSNames = []string{"D1.Thales.example", "*.out.thales.example"}
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: "thales.example", Path: "/d1"}, {Scheme: "HTTPS", Host: "Thales.example"}}
		c.EmailAddresses = []string{"D1@Thales.example"}
		c.IPAddresses = []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("2001:db8::1")}
	})
	for name, tc := range map[string]struct {
		subjects, altNames []string
		want               error
	}{
		"none asks for nothing":                           {nil, nil, nil},
		"a subject":                                       {[]string{"CN=d1-out"}, nil, nil},
		"all kinds of attributes":                         {[]string{"CN=d1-out,O=Thales,OU=D1,C=FR,L=Meudon,ST=IDF,SERIALNUMBER=4711"}, nil, nil},
		"two values of one attribute":                     {[]string{"O=Thales,O=Thales DIS"}, nil, nil},
		"one of several subjects":                         {[]string{"CN=d1-in", "CN=d1-out"}, nil, nil},
		"an attribute that is not there":                  {[]string{"CN=d1-out,O=Gemalto"}, nil, peer.ErrSubject},
		"attributes spread over two subjects":             {[]string{"CN=d1-out,O=Gemalto", "CN=d1-in,O=Thales"}, nil, peer.ErrSubject},
		"a subject in another case":                       {[]string{"CN=D1-out"}, nil, peer.ErrSubject},
		"part of a subject":                               {[]string{"CN=d1"}, nil, peer.ErrSubject},
		"an attribute without a value":                    {[]string{"CN="}, nil, peer.ErrSubject},
		"an unknown attribute":                            {[]string{"DC=thales"}, nil, peer.ErrSubject},
		"a host name":                                     {nil, []string{"DNS:D1.Thales.example"}, nil},
		"a host name in another case":                     {nil, []string{"DNS:d1.thales.EXAMPLE"}, nil},
		"part of a host name":                             {nil, []string{"DNS:thales.example"}, peer.ErrSubjectAltName},
		"a name below the one":                            {nil, []string{"DNS:a.d1.thales.example"}, peer.ErrSubjectAltName},
		"a name below a wildcard":                         {nil, []string{"DNS:a.out.thales.example"}, peer.ErrSubjectAltName},
		"a URI":                                           {nil, []string{"URI:spiffe://thales.example/d1"}, nil},
		"a URI in another case":                           {nil, []string{"URI:spiffe://thales.example/D1"}, peer.ErrSubjectAltName},
		"a URI whose scheme is in another case":           {nil, []string{"URI:https://Thales.example"}, peer.ErrSubjectAltName},
		"a URI letter by letter":                          {nil, []string{"URI:HTTPS://Thales.example"}, nil},
		"the beginning of a URI":                          {nil, []string{"URI:spiffe://thales.example"}, peer.ErrSubjectAltName},
		"a mail address":                                  {nil, []string{"EMAIL:D1@Thales.example"}, nil},
		"a mail address with its domain in another case":  {nil, []string{"EMAIL:D1@thales.EXAMPLE"}, nil},
		"a mail address with its mailbox in another case": {nil, []string{"EMAIL:d1@Thales.example"}, peer.ErrSubjectAltName},
		"a mail domain":                                   {nil, []string{"EMAIL:thales.example"}, peer.ErrSubjectAltName},
		"an address":                                      {nil, []string{"IP:192.0.2.1"}, nil},
		"an address in IPv6 form":                         {nil, []string{"IP:::ffff:192.0.2.1"}, nil},
		"an IPv6 address":                                 {nil, []string{"IP:2001:db8::1"}, nil},
		"an IPv6 address written out":                     {nil, []string{"IP:2001:0DB8:0:0:0:0:0:1"}, nil},
		"another address":                                 {nil, []string{"IP:192.0.2.2"}, peer.ErrSubjectAltName},
		"no address":                                      {nil, []string{"IP:192.0.2"}, peer.ErrSubjectAltName},
		"a value of another type":                         {nil, []string{"DNS:192.0.2.1", "URI:D1.Thales.example", "IP:D1.Thales.example"}, peer.ErrSubjectAltName},
		"an unknown type":                                 {nil, []string{"DIR:CN=d1-out"}, peer.ErrSubjectAltName},
		"a type without a value":                          {nil, []string{"DNS:", "EMAIL:", "URI:", "IP:", "DNS", ""}, peer.ErrSubjectAltName},
		"one of several alternative names":                {nil, []string{"DNS:d1.example", "IP:192.0.2.1"}, nil},
		"both":                                            {[]string{"CN=d1-out"}, []string{"IP:192.0.2.1"}, nil},
		"both, the subject does not hold":                 {[]string{"CN=d1-in"}, []string{"IP:192.0.2.1"}, peer.ErrSubject},
		"both, the alternative name does not hold":        {[]string{"CN=d1-out"}, []string{"IP:192.0.2.2"}, peer.ErrSubjectAltName},
	} {
		t.Run(name, func(t *testing.T) {
			rules := api.CertificateRules{Subjects: tc.subjects, SubjectAltNames: tc.altNames}
			if err := peer.Matches(leaf, rules); !errors.Is(err, tc.want) {
				t.Errorf("error is %v, want %v", err, tc.want)
			}
		})
	}
}

func TestACertificateWithoutNamesMatchesNoRule(t *testing.T) {
	bare := newAuthority(t, "CA").leaf(subject(pkix.Name{}))
	if err := peer.Matches(bare, api.CertificateRules{Subjects: []string{"CN=d1-out", "SERIALNUMBER=1", "O=Thales", "CN=", "SERIALNUMBER="}}); !errors.Is(err, peer.ErrSubject) {
		t.Errorf("error is %v", err)
	}
	if err := peer.Matches(bare, api.CertificateRules{SubjectAltNames: []string{"DNS:a", "URI:a:b", "EMAIL:a@b", "IP:::"}}); !errors.Is(err, peer.ErrSubjectAltName) {
		t.Errorf("error is %v", err)
	}
	if err := peer.Matches(nil, api.CertificateRules{}); !errors.Is(err, peer.ErrNoCertificate) {
		t.Errorf("error is %v", err)
	}
}

package peer_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

func TestTheHeaderIsBelievedOfTrustedProxiesOnly(t *testing.T) {
	thales, proxyCA := newAuthority(t, "Thales CA"), newAuthority(t, "proxies' CA")
	issuing := thales.intermediate("Thales issuing CA")
	leaf, other, ofProxy := issuing.leaf(), thales.leaf(), proxyCA.leaf()
	g := gateway(api.CertificateRules{Subjects: []string{"CN=d1-out"}}, thales)
	openToProxy := gateway(api.CertificateRules{}, thales, proxyCA)
	rfc, chain := byteSequence(leaf), byteSequence(issuing.certificate)
	none := (*x509.Certificate)(nil)
	for name, tc := range map[string]struct {
		header string
		r      *http.Request
		leaf   *x509.Certificate
		err    error
	}{
		"Client-Cert":              {"Client-Cert", request(t, proxy, "Client-Cert", byteSequence(other)), other, nil},
		"Client-Cert with a chain": {"client-cert", request(t, proxy, "Client-Cert", rfc, "Client-Cert-Chain", chain), leaf, nil},
		"Client-Cert with a chain in two lines": {"Client-Cert",
			request(t, proxy, "Client-Cert", rfc, "Client-Cert-Chain", byteSequence(thales.certificate), "Client-Cert-Chain", chain), leaf, nil},
		"Client-Cert without the chain":         {"Client-Cert", request(t, proxy, "Client-Cert", rfc), leaf, peer.ErrUntrusted},
		"X-Forwarded-Client-Cert":               {"x-forwarded-client-cert", request(t, proxy, "X-Forwarded-Client-Cert", `Chain="`+escaped(leaf, issuing.certificate)+`"`), leaf, nil},
		"any other":                             {"ssl-client-cert", request(t, proxy, "Ssl-Client-Cert", escaped(leaf, issuing.certificate)), leaf, nil},
		"from a proxy over IPv6":                {"X-C", request(t, "[fd00::1]:9", "X-C", escaped(other)), other, nil},
		"from a stranger":                       {"Client-Cert", request(t, stranger, "Client-Cert", byteSequence(other)), none, peer.ErrNoCertificate},
		"from a stranger behind a proxy's name": {"Client-Cert", request(t, stranger, "Client-Cert", byteSequence(other), "X-Forwarded-For", "10.0.0.7"), none, peer.ErrNoCertificate},
		"from an unknown other end":             {"Client-Cert", request(t, "@", "Client-Cert", byteSequence(other)), none, peer.ErrNoCertificate},
		"another than the configured":           {"Client-Cert", request(t, proxy, "X-C", escaped(other), "X-Forwarded-Client-Cert", `Cert="`+escaped(other)+`"`), none, peer.ErrNoCertificate},
		"where none is configured":              {"", request(t, proxy, "Client-Cert", byteSequence(other)), none, peer.ErrNoCertificate},
		"the chain alone":                       {"Client-Cert", request(t, proxy, "Client-Cert-Chain", chain), none, peer.ErrUnreadable},
		"empty":                                 {"Client-Cert", request(t, proxy, "Client-Cert", ""), none, peer.ErrNoCertificate},
		"twice":                                 {"Client-Cert", request(t, proxy, "Client-Cert", byteSequence(other), "Client-Cert", byteSequence(other)), none, peer.ErrUnreadable},
		"twice, one of them empty":              {"X-C", request(t, proxy, "X-C", "", "X-C", escaped(other)), none, peer.ErrUnreadable},
		"twice in Envoy's":                      {"X-Forwarded-Client-Cert", request(t, proxy, "X-Forwarded-Client-Cert", "Hash=1", "X-Forwarded-Client-Cert", `Cert="`+escaped(other)+`"`), none, peer.ErrUnreadable},
		"unreadable":                            {"X-C", request(t, proxy, "X-C", "(null)"), none, peer.ErrUnreadable},
		"too long":                              {"X-C", request(t, proxy, "X-C", strings.Repeat(" ", peer.MaxHeaderBytes)+escaped(other)), none, peer.ErrUnreadable},
		"of a chain that is too long":           {"Client-Cert", request(t, proxy, "Client-Cert", byteSequence(other), "Client-Cert-Chain", strings.Repeat(" ", peer.MaxHeaderBytes)), none, peer.ErrUnreadable},
		"over TLS of the proxy":                 {"Client-Cert", over(request(t, proxy, "Client-Cert", byteSequence(other)), ofProxy), other, nil},
		"missing over TLS of the proxy":         {"Client-Cert", over(request(t, proxy), ofProxy), none, peer.ErrNoCertificate},
		"beside TLS of a stranger":              {"Client-Cert", over(request(t, stranger, "Client-Cert", byteSequence(leaf)), other), other, nil},
		"beside TLS where none is configured":   {"", over(request(t, proxy, "Client-Cert", byteSequence(leaf)), other), other, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := behindProxies(tc.header)
			for range 2 {
				if err := v.Verify(tc.r, g); !errors.Is(err, tc.err) {
					t.Errorf("error is %v, want %v", err, tc.err)
				}
				if got := v.Leaf(tc.r); (got == nil) != (tc.leaf == nil) || got != nil && !got.Equal(tc.leaf) {
					t.Errorf("another certificate, or none: %v", got != nil)
				}
				if (v.Thumbprint(tc.r) == "") != (tc.leaf == nil) {
					t.Errorf("thumbprint is %q", v.Thumbprint(tc.r))
				}
			}
			if err := v.Verify(tc.r, openToProxy); tc.leaf == nil && !errors.Is(err, tc.err) {
				t.Errorf("error of a gateway that knows the proxy is %v", err)
			}
		})
	}
}

func TestOnOneConnectionOfAProxyEachClientIsItself(t *testing.T) {
	thales, other := newAuthority(t, "Thales CA"), newAuthority(t, "another CA")
	v, g := behindProxies("Client-Cert"), gateway(api.CertificateRules{}, thales)
	shared := over(request(t, proxy), newAuthority(t, "proxies' CA").leaf())
	good, bad := byteSequence(thales.leaf()), byteSequence(other.leaf())
	for range 3 {
		for header, want := range map[string]error{good: nil, bad: peer.ErrUntrusted} {
			r := shared.Clone(shared.Context())
			r.Header.Set("Client-Cert", header)
			if err := v.Verify(r, g); !errors.Is(err, want) {
				t.Errorf("error is %v, want %v", err, want)
			}
		}
	}
}

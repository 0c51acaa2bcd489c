package peer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"sync/atomic"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

// rsaKey is a public key whose private one nobody has.
func rsaKey(t *testing.T, bits, exponent int) *rsa.PublicKey {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
	if err != nil {
		t.Fatal(err)
	}
	n.SetBit(n.SetBit(n, bits-1, 1), 0, 1)
	return &rsa.PublicKey{N: n, E: exponent}
}

func encoded(chain []*x509.Certificate) [][]byte {
	var list [][]byte
	for _, c := range chain {
		list = append(list, c.Raw)
	}
	return list
}

func TestWhatIsTooLargeIsRefusedBeforeAnySignature(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	uses := watch(thales.certificate)
	of := func(key *rsa.PublicKey) *x509.Certificate { return thales.sign(caTemplate("RSA", nil), key) }
	many := func(n int) []*x509.Certificate {
		chain := []*x509.Certificate{newAuthority(t, "Thales CA").leaf()}
		for len(chain) < n {
			chain = append(chain, thales.certificate)
		}
		return chain
	}
	g := gateway(api.CertificateRules{}, thales)
	for name, tc := range map[string]struct {
		chain    []*x509.Certificate
		tooLarge bool
	}{
		"a long chain":                          {many(peer.MaxCertificates), false},
		"a chain that is longer":                {many(peer.MaxCertificates + 1), true},
		"a hundred certificates":                {many(100), true},
		"RSA 4096":                              {[]*x509.Certificate{of(rsaKey(t, 4096, 65537))}, false},
		"RSA 4096 behind the client's":          {[]*x509.Certificate{thales.leaf(), of(rsaKey(t, 4096, 65537))}, false},
		"RSA 4097":                              {[]*x509.Certificate{of(rsaKey(t, 4097, 65537))}, true},
		"RSA 8192 behind the client's":          {[]*x509.Certificate{thales.leaf(), of(rsaKey(t, 8192, 65537))}, true},
		"an exponent of 31 bits":                {[]*x509.Certificate{of(rsaKey(t, 2048, 1<<31-1))}, false},
		"an exponent of 32 bits":                {[]*x509.Certificate{of(rsaKey(t, 2048, 1<<31+1))}, true},
		"an exponent of 62 bits behind another": {[]*x509.Certificate{thales.leaf(), of(rsaKey(t, 2048, 1<<61+1))}, true},
	} {
		t.Run(name, func(t *testing.T) {
			before := uses.Load()
			err := direct().Verify(over(request(t, stranger), tc.chain...), g)
			if errors.Is(err, peer.ErrTooLarge) != tc.tooLarge {
				t.Errorf("error is %v", err)
			}
			if used := uses.Load() > before; used == tc.tooLarge {
				t.Errorf("the CA's key is used: %v", used)
			}
			if err := peer.CheckSize(encoded(tc.chain), nil); errors.Is(err, peer.ErrTooLarge) != tc.tooLarge || !tc.tooLarge && err != nil {
				t.Errorf("error of the handshake is %v", err)
			}
		})
	}
	if err := peer.CheckSize([][]byte{{1}}, nil); err == nil {
		t.Error("what is no certificate passes")
	}
}

// crossSigned are CAs of one name and key that differ in their alternative names, so that x509 takes them in any order, each signed by the next.
func crossSigned(t *testing.T, n int) (leaf *x509.Certificate, cas []*x509.Certificate) {
	t.Helper()
	invented := newAuthority(t, "Thales CA")
	for i := range n {
		cas = append(cas, invented.intermediate("Thales CA", func(c *x509.Certificate) {
			c.DNSNames = []string{string(rune('a'+i)) + ".example"}
		}).certificate)
		cas[i].PublicKey = invented.certificate.PublicKey
	}
	return invented.leaf(), cas
}

func TestAStrangersKeysAreNeverUsed(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	g := gateway(api.CertificateRules{}, thales)
	invented := newAuthority(t, "Thales CA")
	below := invented.intermediate("invented")
	leaf, cross := crossSigned(t, peer.MaxCertificates-1)
	// A client with a good certificate of its own is no CA, whatever it signs.
	own, key := thales.leafAndKey(subject(pkix.Name{CommonName: "client"}))
	client := &authority{tb: t, certificate: own, key: key}
	for name, chain := range map[string][]*x509.Certificate{
		"of the CA's name":           {invented.leaf(), invented.certificate},
		"below one of the CA's name": {below.leaf(), below.certificate, invented.certificate},
		"with the CA behind it":      {below.leaf(), below.certificate, invented.certificate, thales.certificate},
		"that sign each other":       append([]*x509.Certificate{leaf}, cross...),
		"below a client's":           {client.leaf(), own},
	} {
		t.Run(name, func(t *testing.T) {
			var watches []*atomic.Int64
			for _, c := range chain[1:] {
				if c != thales.certificate {
					watches = append(watches, watch(c))
				}
			}
			if err := direct().Verify(over(request(t, stranger), chain...), g); !errors.Is(err, peer.ErrUntrusted) {
				t.Errorf("error is %v", err)
			}
			for i, uses := range watches {
				if n := uses.Load(); n != 0 {
					t.Errorf("the key of certificate %d is used %d times", i+1, n)
				}
			}
		})
	}
}

func TestIntermediatesMayStandInAnyOrderAndBesideOthers(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	first := thales.intermediate("first")
	second := first.intermediate("second")
	third := second.intermediate("third")
	stray := newAuthority(t, "first").certificate
	g := gateway(api.CertificateRules{}, thales)
	for name, behind := range map[string][]*x509.Certificate{
		"upwards":          {third.certificate, second.certificate, first.certificate},
		"downwards":        {first.certificate, second.certificate, third.certificate},
		"mixed":            {second.certificate, thales.certificate, third.certificate, first.certificate},
		"beside a strange": {stray, third.certificate, second.certificate, stray, first.certificate},
	} {
		chain := append([]*x509.Certificate{third.leaf()}, behind...)
		if err := direct().Verify(over(request(t, stranger), chain...), g); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	missing := []*x509.Certificate{third.leaf(), third.certificate, first.certificate}
	if err := direct().Verify(over(request(t, stranger), missing...), g); !errors.Is(err, peer.ErrUntrusted) {
		t.Errorf("without one of them: %v", err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	slow := &authority{tb: t, certificate: thales.sign(caTemplate("slow", nil), p521.Public()), key: p521}
	if err := direct().Verify(over(request(t, stranger), slow.leaf(), slow.certificate), g); err != nil {
		t.Errorf("of a CA with a large key: %v", err)
	}
}

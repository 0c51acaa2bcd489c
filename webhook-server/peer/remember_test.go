package peer_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"sync"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

func TestHeadersAreRememberedAndOnlySoMany(t *testing.T) {
	thales, other := newAuthority(t, "Thales CA"), newAuthority(t, "another CA")
	g := gateway(api.CertificateRules{}, thales)
	size := len(byteSequence(thales.leaf()))
	for name, tc := range map[string]struct{ size, bytes int }{
		"by number": {4, 100 * size},
		"by length": {100, 4*size + size/2},
	} {
		t.Run(name, func(t *testing.T) {
			v := behindProxies("Client-Cert")
			v.Shrink(tc.size, tc.bytes)
			asked := func(leaf *x509.Certificate) *http.Request {
				return request(t, proxy, "Client-Cert", byteSequence(leaf))
			}
			for range 20 {
				if err := v.Verify(asked(other.leaf()), g); !errors.Is(err, peer.ErrUntrusted) {
					t.Fatal(err)
				}
			}
			if n := v.Accepted(); n != 0 {
				t.Errorf("%d refused chains are remembered as accepted", n)
			}
			if n := v.Refused(); n == 0 || n > 8 {
				t.Errorf("%d refused chains are remembered", n)
			}
			often := asked(thales.leaf())
			for i := range 30 {
				for _, r := range []*http.Request{often, asked(thales.leaf())} {
					if err := v.Verify(r, g); err != nil {
						t.Fatal(err)
					}
				}
				if n := v.Accepted(); n > 8 {
					t.Fatalf("%d chains are remembered after %d", n, i)
				}
				if !v.Same(often, often) {
					t.Fatal("what is used all the time is forgotten")
				}
			}
		})
	}
}

func TestTheChainIsPartOfWhatIsRemembered(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	issuing := thales.intermediate("issuing")
	g, v := gateway(api.CertificateRules{}, thales), behindProxies("Client-Cert")
	leaf := issuing.leaf()
	whole := request(t, proxy, "Client-Cert", byteSequence(leaf), "Client-Cert-Chain", byteSequence(issuing.certificate))
	alone := request(t, proxy, "Client-Cert", byteSequence(leaf))
	for range 2 {
		if err := v.Verify(whole, g); err != nil {
			t.Error(err)
		}
		if err := v.Verify(alone, g); !errors.Is(err, peer.ErrUntrusted) {
			t.Errorf("error without the chain is %v", err)
		}
	}
}

func TestManyRequestsAtOnce(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	v, g := behindProxies("Client-Cert"), gateway(api.CertificateRules{}, thales)
	v.Shrink(2, 1<<20)
	tls := over(request(t, stranger), thales.leaf())
	requests := []*http.Request{tls}
	for range 6 {
		requests = append(requests, request(t, proxy, "Client-Cert", byteSequence(thales.leaf())))
	}
	var wg sync.WaitGroup
	for _, r := range requests {
		for range 4 {
			wg.Go(func() {
				for range 50 {
					if err := v.Verify(r, g); err != nil || v.Thumbprint(r) == "" {
						t.Errorf("error is %v", err)
					}
				}
			})
		}
	}
	wg.Wait()
}

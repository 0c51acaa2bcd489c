package peer_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// remembering are the ways in which a chain comes more than once.
func remembering(t *testing.T) map[string]func(leaf *x509.Certificate) (*peer.Resolver, *http.Request) {
	return map[string]func(leaf *x509.Certificate) (*peer.Resolver, *http.Request){
		"of a connection": func(leaf *x509.Certificate) (*peer.Resolver, *http.Request) {
			return direct(), over(request(t, stranger), leaf)
		},
		"of a header": func(leaf *x509.Certificate) (*peer.Resolver, *http.Request) {
			return behindProxies("Client-Cert"), request(t, proxy, "Client-Cert", byteSequence(leaf))
		},
	}
}

func TestAnAcceptedChainIsLookedAtOnceForAllGatewaysWithTheSameCAs(t *testing.T) {
	for name, ask := range remembering(t) {
		t.Run(name, func(t *testing.T) {
			thales, other := newAuthority(t, "Thales CA"), newAuthority(t, "another CA")
			uses := watch(thales.certificate)
			v, r := ask(thales.leaf())
			g := gateway(api.CertificateRules{}, thales)
			if err := v.Verify(r, g); err != nil {
				t.Fatal(err)
			}
			once := uses.Load()
			sibling := *g
			strict := gateway(api.CertificateRules{Subjects: []string{"CN=somebody-else"}})
			strict.ClientCAs = g.ClientCAs
			for _, tc := range []struct {
				g    *serving.Gateway
				want error
			}{{g, nil}, {&sibling, nil}, {strict, peer.ErrSubject}, {gateway(api.CertificateRules{}, other), peer.ErrUntrusted}} {
				if err := v.Verify(r, tc.g); !errors.Is(err, tc.want) {
					t.Errorf("error is %v, want %v", err, tc.want)
				}
			}
			if n := uses.Load(); once == 0 || n != once {
				t.Errorf("the CA's key is used %d times at first and %d in the end", once, n)
			}
			if err := v.Verify(r, gateway(api.CertificateRules{}, thales)); err != nil || uses.Load() == once {
				t.Errorf("the verdict on a changed bundle is not a new one; error %v", err)
			}
		})
	}
}

func TestARefusedChainIsLookedAtAgainAfterAWhileOnly(t *testing.T) {
	for name, lines := range map[string]func(leaf *x509.Certificate) *http.Request{
		"of a connection": func(leaf *x509.Certificate) *http.Request { return over(request(t, stranger), leaf) },
		"of a header": func(leaf *x509.Certificate) *http.Request {
			return request(t, proxy, "Client-Cert", byteSequence(leaf))
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := today
			v := peer.New(peer.Options{TrustedProxies: proxies, Header: "Client-Cert", Now: func() time.Time { return now }})
			thales := newAuthority(t, "Thales CA")
			uses := watch(thales.certificate)
			r := lines(newAuthority(t, "Thales CA").leaf()) // of the same name, so that the key is tried
			g := gateway(api.CertificateRules{}, thales)
			looks := func(at time.Time) bool {
				now = at
				before := uses.Load()
				if err := v.Verify(r, g); !errors.Is(err, peer.ErrUntrusted) {
					t.Fatalf("error is %v", err)
				}
				return uses.Load() > before
			}
			if !looks(today) {
				t.Error("there was no look")
			}
			if looks(today) || looks(today.Add(peer.RefusalMemory-time.Nanosecond)) {
				t.Error("a look follows another at once")
			}
			if !looks(today.Add(peer.RefusalMemory)) {
				t.Error("there is no second look")
			}
		})
	}
}

func TestAChainThatIsNotValidYetIsAcceptedOnceItIs(t *testing.T) {
	begin := today.Add(2 * time.Second)
	thales := newAuthority(t, "Thales CA")
	for name, r := range map[string]*http.Request{
		"of a connection": over(request(t, stranger), thales.leaf(validity(begin, today.AddDate(0, 0, 1)))),
		"of a header":     request(t, proxy, "Client-Cert", byteSequence(thales.leaf(validity(begin, today.AddDate(0, 0, 1))))),
	} {
		t.Run(name, func(t *testing.T) {
			now := today
			v := peer.New(peer.Options{TrustedProxies: proxies, Header: "Client-Cert", Now: func() time.Time { return now }})
			g := gateway(api.CertificateRules{}, thales)
			if err := v.Verify(r, g); !errors.Is(err, peer.ErrNotYetValid) {
				t.Errorf("error is %v", err)
			}
			now = today.Add(peer.RefusalMemory)
			if err := v.Verify(r, g); err != nil {
				t.Error(err)
			}
			if name == "of a header" && v.Accepted() != 1 {
				t.Errorf("%d accepted chains are remembered", v.Accepted())
			}
		})
	}
}

func TestWhatAConnectionRemembersIsBounded(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	v, r := direct(), over(request(t, stranger), thales.leaf())
	for range peer.MaxVerdicts + 10 {
		if err := v.Verify(r, gateway(api.CertificateRules{}, thales)); err != nil {
			t.Fatal(err)
		}
	}
	if n := v.Verdicts(r); n != peer.MaxVerdicts {
		t.Errorf("there are %d verdicts", n)
	}
}

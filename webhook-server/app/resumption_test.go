package app_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// keeper is a client that keeps session tickets, as D1's may. Each request goes over a connection of its own.
type keeper struct {
	*running.Client
	// certificate is presented when the server asks; nil presents none.
	certificate *tls.Certificate
	// asked and resumed are of the last handshake.
	asked, resumed bool
}

func newKeeper(t *testing.T, w *running.World, version uint16) *keeper {
	t.Helper()
	k := &keeper{}
	config := w.TLSConfig(version)
	config.ServerName = "localhost"
	config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		k.asked = true
		if k.certificate == nil {
			return &tls.Certificate{}, nil
		}
		return k.certificate, nil
	}
	config.VerifyConnection = func(s tls.ConnectionState) error {
		k.resumed = s.DidResume
		return nil
	}
	k.Client = w.ClientOf(config, false)
	k.HTTP.Transport.(*http.Transport).DisableKeepAlives = true
	return k
}

// try answers the status, or 0 when the handshake fails.
func (k *keeper) try(t *testing.T, r running.Request) int {
	t.Helper()
	k.asked, k.resumed = false, false
	a, err := k.For(t).Try(t.Context(), r)
	if err != nil {
		return 0
	}
	return a.Status
}

func overBothVersions(t *testing.T, test func(t *testing.T, version uint16)) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, version)
		})
	}
}

func TestAfterAChangeOfCAAClientWithTicketsOfTheFormerOneComesWithItsNewCertificate(t *testing.T) {
	t.Parallel()
	overBothVersions(t, func(t *testing.T, version uint16) {
		former, next := running.NewAuthority(t, "Thales CA 1"), running.NewAuthority(t, "Thales CA 2")
		ofFormer, ofNext := former.Leaf(subject, later), next.Leaf(subject, later)
		w := running.StartTLS(t, mutual(former))
		k := newKeeper(t, w, version)
		k.certificate = &ofFormer
		for range 2 {
			if status := k.try(t, running.N0("")); status != http.StatusNoContent {
				t.Fatalf("of the former CA it is answered %d", status)
			}
		}
		w.RequireClientCertificate(next, "CN=d1-out,O=Thales")
		w.Publish()
		if status := k.try(t, running.N0("")); status != 0 {
			t.Errorf("of the former CA it is answered %d after the change", status)
		}
		k.certificate = &ofNext
		for range 2 {
			if status := k.try(t, running.N0("")); status != http.StatusNoContent || k.resumed {
				t.Errorf("of the next CA it is answered %d, resumed: %v", status, k.resumed)
			}
		}
	})
}

func TestAGatewayThatBeginsToRequireACertificateAsksClientsWithTicketsToo(t *testing.T) {
	t.Parallel()
	overBothVersions(t, func(t *testing.T, version uint16) {
		for name, shared := range map[string]bool{"on a host of its own": false, "on a shared host": true} {
			t.Run(name, func(t *testing.T) {
				thales := running.NewAuthority(t, "Thales CA")
				leaf := thales.Leaf(subject, later)
				w := running.StartTLS(t, nil)
				if shared {
					w.Another("globex", "MGW_000002", "globex-d1")
					w.Publish()
				}
				k := newKeeper(t, w, version)
				k.certificate = &leaf
				token := k.For(t).Do(running.T0()).Token()
				if status := k.try(t, running.N0(token)); status != http.StatusNoContent || !k.resumed || k.asked {
					t.Fatalf("before the change it is answered %d, resumed: %v, asked: %v", status, k.resumed, k.asked)
				}
				w.RequireClientCertificate(thales, "CN=d1-out,O=Thales")
				w.Publish()
				for range 2 {
					if status := k.try(t, running.N0(token)); status != http.StatusNoContent || !k.asked || k.resumed {
						t.Errorf("after the change it is answered %d, asked: %v, resumed: %v", status, k.asked, k.resumed)
					}
				}
				want := 0
				if shared {
					want = http.StatusUnauthorized
				}
				k.certificate = nil
				if status := k.try(t, running.N0(token)); status != want {
					t.Errorf("without a certificate it is answered %d, want %d", status, want)
				}
			})
		}
	})
}

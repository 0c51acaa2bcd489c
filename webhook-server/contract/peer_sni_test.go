package contract_test

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"net/http"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// The hosts of two gateways: the base gateway requires client certificates on guardedHost.
const (
	guardedHost = "guarded.example"
	openHost    = "open.example"
)

// onHost puts a gateway on a host, with a server certificate of its own.
func onHost(w *running.World, d *fixture.World, host string) {
	template := running.LeafTemplate(pkix.Name{CommonName: host}, time.Now().Add(time.Hour))
	template.DNSNames = []string{host}
	certificatePEM, keyPEM := w.CA.EncodePEM(w.CA.Issue(template))
	w.Planted(keyPEM)
	d.Gateway.Hostnames, d.Gateway.ServerCertificate = []string{host}, "server"
	d.Secrets.Certificates = []api.KeyCertificate{{ID: "server", CertificatePEM: certificatePEM, KeyPEM: api.NewSecret(keyPEM)}}
}

// named is a client that names a host in its handshake; "" names none.
func named(t *testing.T, w *running.World, transport running.Transport, host string, certificates ...tls.Certificate) *running.Client {
	t.Helper()
	config := w.TLSConfig(transport.TLS, certificates...)
	config.ServerName = host
	if host != "" && host != guardedHost && host != openHost {
		// The server presents its own certificate, which is for localhost.
		config.InsecureSkipVerify = true
	}
	return w.ClientOf(config, transport.HTTP2).For(t)
}

func TestEachGatewaysCertificateByTheHostNamed(t *testing.T) {
	t.Parallel()
	w := running.StartTLS(t, func(w *running.World) {
		onHost(w, w.Documents, guardedHost)
		onHost(w, w.Another("globex", otherGatewayID, otherClientID), openHost)
	})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for host, want := range map[string]string{
			guardedHost: guardedHost, "GUARDED.EXAMPLE": guardedHost, openHost: openHost, "unknown.example": "server", "sub.open.example": "server", "localhost": "server", "": "server",
		} {
			config := w.TLSConfig(version)
			config.ServerName, config.InsecureSkipVerify = host, true
			dialer := &tls.Dialer{Config: config}
			connection, err := dialer.DialContext(t.Context(), "tcp", w.Server.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if got := connection.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName; got != want {
				t.Errorf("%s: who names %q is presented the certificate of %q", tls.VersionName(version), host, got)
			}
			_ = connection.Close()
		}
	}
}

// TestAConnectionForOneHostUsedForAnother sends, on connections made for one host, requests to the other. Each gateway's own rules decide,
// whichever host the handshake named.
func TestAConnectionForOneHostUsedForAnother(t *testing.T) {
	t.Parallel()
	ca, otherCA := running.NewAuthority(t, "Thales client CA"), running.NewAuthority(t, "Other client CA")
	good, foreign := ca.Leaf(d1, time.Now().Add(time.Hour)), otherCA.Leaf(d1, time.Now().Add(time.Hour))
	w := running.StartTLS(t, func(w *running.World) {
		mutual(ca, false)(w)
		onHost(w, w.Documents, guardedHost)
		onHost(w, w.Another("globex", otherGatewayID, otherClientID), openHost)
	})
	start := named(t, w, running.TLS13, guardedHost, good)
	token := start.Do(running.T0().WithHost(guardedHost)).Token()
	other := start.Do(as(otherClientID, running.T0()).WithHost(openHost)).Token()
	guarded, open := running.N0(token).WithHost(guardedHost), atOther(running.N0(other)).WithHost(openHost)
	for _, transport := range []running.Transport{running.TLS12, running.TLS13HTTP2} {
		for _, host := range []string{openHost, "unknown.example", "localhost", "", guardedHost} {
			for certificate, tc := range map[string]struct {
				certificates []tls.Certificate
				want         want
			}{
				"without a certificate": {nil, wantNoToken}, "with its certificate": {[]tls.Certificate{good}, wantA}, "with another CA's": {[]tls.Certificate{foreign}, wantNoToken},
			} {
				t.Run(transport.Name+" made for "+host+" "+certificate, func(t *testing.T) {
					c := named(t, w, transport, host, tc.certificates...)
					if host == guardedHost && tc.want != wantA {
						for _, r := range []running.Request{guarded, open, get(metadataPath).WithHost(openHost)} {
							if a, err := c.Try(t.Context(), r); err == nil {
								t.Errorf("it is answered %s", a)
							}
						}
						return
					}
					if certificate == "with its certificate" && host == openHost {
						// Nobody has asked for the certificate in this handshake.
						tc.want = wantNoToken
					}
					for range 2 { // on one connection, in turn
						tc.want.check(t, c.Do(guarded))
						wantA.check(t, c.Do(open))
					}
					wantInvalidToken.check(t, c.Do(open.With("Authorization", "Bearer "+token)))
					// Neither gateway is on the other's host.
					wantUnknownGateway.check(t, c.Do(guarded.WithHost(openHost)))
					wantUnknownGateway.check(t, c.Do(open.WithHost(guardedHost)))
					checkNotFound(t, c.Do(get(metadataPath).WithHost(openHost)))
					checkNotFound(t, c.Do(introspect(token).WithHost(openHost)))
					checkNotFound(t, c.Do(atOther(get(keySetPath)).WithHost(guardedHost)))
					wantIC.check(t, c.Do(running.T0().WithHost(openHost)))
				})
			}
		}
	}
}

// TestTwoHostsThatBothRequireCertificates has a connection whose certificate is good for one host used for the other.
func TestTwoHostsThatBothRequireCertificates(t *testing.T) {
	t.Parallel()
	ca, otherCA := running.NewAuthority(t, "Thales client CA"), running.NewAuthority(t, "Other client CA")
	w := running.StartTLS(t, func(w *running.World) {
		mutual(ca, false)(w)
		onHost(w, w.Documents, guardedHost)
		other := w.Another("globex", otherGatewayID, otherClientID)
		onHost(w, other, openHost)
		other.Secrets.CABundles = []api.CABundle{{ID: "client-ca", PEM: otherCA.PEM()}}
		other.Gateway.ClientCertificate = &api.ClientCertificate{CABundle: "client-ca"}
	})
	ours, theirs := ca.Leaf(d1, time.Now().Add(time.Hour)), otherCA.Leaf(d1, time.Now().Add(time.Hour))
	token := named(t, w, running.TLS13, guardedHost, ours).Do(running.T0().WithHost(guardedHost)).Token()
	other := named(t, w, running.TLS13, openHost, theirs).Do(as(otherClientID, running.T0()).WithHost(openHost)).Token()
	guarded, open := running.N0(token).WithHost(guardedHost), atOther(running.N0(other)).WithHost(openHost)
	for _, transport := range w.Transports() {
		t.Run(transport.Name, func(t *testing.T) {
			c := named(t, w, transport, guardedHost, ours)
			wantA.check(t, c.Do(guarded))
			wantNoToken.check(t, c.Do(open))
			c = named(t, w, transport, openHost, theirs)
			wantA.check(t, c.Do(open))
			wantNoToken.check(t, c.Do(guarded))
			for host, certificate := range map[string]tls.Certificate{guardedHost: theirs, openHost: ours} {
				if a, err := named(t, w, transport, host, certificate).Try(t.Context(), guarded); err == nil {
					t.Errorf("%s with the other's certificate is answered %s", host, a)
				}
			}
			for _, host := range []string{"", "unknown.example"} {
				wantA.check(t, named(t, w, transport, host, ours).Do(guarded))
				wantNoToken.check(t, named(t, w, transport, host, theirs).Do(guarded))
				if a, err := named(t, w, transport, host).Try(t.Context(), guarded); err == nil && a.Status != http.StatusUnauthorized {
					t.Errorf("no certificate, made for %q: %s", host, a)
				}
			}
		})
	}
}

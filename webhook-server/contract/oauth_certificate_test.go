package contract_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

const certificateClientID = "is_cert01"

// withCertificateClient makes a client that authenticates by its certificate, at a gateway that shares the host with one that wants none:
// so the handshake refuses nobody.
func withCertificateClient(ca *running.Authority) func(w *running.World) {
	return func(w *running.World) {
		withOther(w)
		w.RequireClientCertificate(ca)
		w.Documents.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.TLSClientAuth}
		client := w.AnotherClient(w.Documents, certificateClientID)
		client.Credentials = nil
		client.Certificate = &api.OwnCertificate{ID: "own", CreatedAt: fixture.Now(), CertificateRules: api.CertificateRules{Subjects: []string{"CN=d1-out,O=Thales"}}}
	}
}

// byCertificate is a request whose client authenticates by the certificate of its connection.
func byCertificate(r running.Request, id string) running.Request {
	return withClientID(r.With("Authorization"), id)
}

func TestTLSClientAuth(t *testing.T) {
	t.Parallel()
	ca, other := running.NewAuthority(t, "Thales client CA"), running.NewAuthority(t, "Thales client CA")
	w := running.StartTLS(t, withCertificateClient(ca))
	later := time.Now().Add(time.Hour)
	good := ca.Leaf(d1, later)
	expired := running.LeafTemplate(d1, time.Now().Add(-time.Minute))
	servers := running.LeafTemplate(d1, later)
	servers.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, transport := range w.Transports() {
		t.Run(transport.Name, func(t *testing.T) {
			t.Parallel()
			c := w.Over(transport, good).For(t)
			v := &visit{T: t, w: w, c: c}
			token := c.Do(byCertificate(running.T0(), certificateClientID)).Token()
			if o := v.isActive(t, byCertificate(introspect(token), certificateClientID)); o["client_id"] != certificateClientID {
				t.Errorf("it is of %v", o["client_id"])
			}
			wantA.check(t, c.Do(running.N0(token)))
			wantRevoked.check(t, c.Do(byCertificate(revoke(token), certificateClientID)))
			wantInvalidToken.check(t, c.Do(running.N0(token)))
			v.expect(wantOK, cases{"D1's Basic beside it": running.T0(), "on the Issuer path": byCertificate(running.T0().WithPath(fixture.IssuerTokenPath), certificateClientID)})
			v.expect(wantIC, cases{
				"a client with a secret":              byCertificate(running.T0(), fixture.ClientID),
				"an unknown client":                   byCertificate(running.T0(), "nobody"),
				"no client_id":                        running.T0().With("Authorization"),
				"client_id in the query":              running.T0().With("Authorization").WithPath(fixture.TokenPath + "?client_id=" + certificateClientID),
				"a secret, which it does not have":    as(certificateClientID, running.T0()),
				"a client of the gateway without CAs": byCertificate(running.T0(), otherClientID),
			})
			v.expect(wantBR("invalid_request"), cases{"another client's Basic as well": withClientID(running.T0(), certificateClientID)})
			for name, certificates := range map[string][]tls.Certificate{
				"none": nil, "of another CA": {other.Leaf(d1, later)}, "expired": {ca.Issue(expired)}, "for servers only": {ca.Issue(servers)},
				"self-signed": {running.SelfSigned(t, running.LeafTemplate(d1, later))}, "with another subject": {ca.Leaf(pkix.Name{CommonName: "d1-out"}, later)},
			} {
				t.Run(name, func(t *testing.T) {
					c := w.Over(transport, certificates...).For(t)
					for _, r := range beside(token) {
						wantIC.check(t, c.Do(byCertificate(r, certificateClientID)))
					}
					wantOK.check(t, c.Do(running.T0()))
				})
			}
		})
	}
}

// thumbprint is the x5t#S256 of a certificate (RFC 8705 section 3.1).
func thumbprint(c tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestCertificateBoundTokens(t *testing.T) {
	t.Parallel()
	ca := running.NewAuthority(t, "Thales client CA")
	one, another := ca.Leaf(d1, time.Now().Add(time.Hour)), ca.Leaf(d1, time.Now().Add(time.Hour))
	bound := func(w *running.World) {
		mutual(ca, false)(w)
		w.Documents.Gateway.CertificateBoundTokens = true
	}
	alone := running.StartTLS(t, bound)
	shared := running.StartTLS(t, func(w *running.World) {
		bound(w)
		withOther(w)
	})
	for name, w := range map[string]*running.World{"alone on the host": alone, "beside one that wants no certificate": shared} {
		for _, transport := range w.Transports() {
			t.Run(name+" "+transport.Name, func(t *testing.T) {
				t.Parallel()
				c, elsewhere := w.Over(transport, one).For(t), w.Over(transport, another).For(t)
				v := &visit{T: t, w: w, c: c, token: w.Token(c)}
				v.expect(wantA, cases{"on its certificate": v.n0()})
				wantA.check(t, w.Over(transport, one).For(t).Do(v.n0())) // on another connection
				wantInvalidToken.check(t, elsewhere.Do(v.n0()))
				wantInvalidToken.check(t, elsewhere.Do(v.n0().WithBody("x")))
				o := v.isActive(t, introspect(v.token))
				if cnf, _ := o["cnf"].(object); cnf["x5t#S256"] != thumbprint(one) {
					t.Errorf("cnf is %v", o["cnf"])
				}
				minted := newMint(t, w.Documents).token(nil, nil) // as before the tokens were bound
				empty := newMint(t, w.Documents).token(nil, object{"cnf": object{"x5t#S256": ""}})
				hashed := newMint(t, w.Documents).token(nil, object{"cnf": object{"jkt": thumbprint(one)}})
				w.Planted(minted, empty, hashed)
				v.expect(wantInvalidToken, cases{"bound to nothing": running.N0(minted), "bound to an empty thumbprint": running.N0(empty), "bound to something else": running.N0(hashed)})
				none := w.Over(transport).For(t)
				if name == "alone on the host" {
					if a, err := none.Try(t.Context(), v.n0()); err == nil {
						t.Errorf("without a certificate it is answered %s", a)
					}
					return
				}
				wantNoToken.check(t, none.Do(v.n0()))
				wantIC.check(t, none.Do(running.T0()))
				wantIC.check(t, w.Over(transport, ca.Leaf(pkix.Name{CommonName: "not listed"}, time.Now().Add(time.Hour))).For(t).Do(running.T0()))
				wantNoToken.check(t, w.Over(transport, running.SelfSigned(t, running.LeafTemplate(d1, time.Now().Add(time.Hour)))).For(t).Do(v.n0()))
			})
		}
	}
}

func TestResumedSessionsKeepTheirCertificate(t *testing.T) {
	t.Parallel()
	ca := running.NewAuthority(t, "Thales client CA")
	w := running.StartTLS(t, func(w *running.World) {
		mutual(ca, false)(w)
		w.Documents.Gateway.CertificateBoundTokens = true
	})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			config := w.TLSConfig(version, ca.Leaf(d1, time.Now().Add(time.Hour)))
			config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
			token := w.Token(w.ClientOf(config, false).For(t))
			c := w.ClientOf(config, false).For(t)
			wantA.check(t, c.Do(running.N0(token)))
		})
	}
}

func TestBindingSwitchedOnAndOffWhileTokensAreLive(t *testing.T) {
	t.Parallel()
	ca := running.NewAuthority(t, "Thales client CA")
	w := running.StartTLS(t, mutual(ca, false))
	one, another := w.Over(running.TLS13HTTP2, ca.Leaf(d1, time.Now().Add(time.Hour))).For(t), w.Over(running.TLS12, ca.Leaf(d1, time.Now().Add(time.Hour))).For(t)
	unbound := w.Token(one)
	wantA.check(t, one.Do(running.N0(unbound)))
	wantA.check(t, another.Do(running.N0(unbound)))

	w.Documents.Gateway.CertificateBoundTokens = true
	w.Publish()
	wantInvalidToken.check(t, one.Do(running.N0(unbound)))
	wantInvalidToken.check(t, another.Do(running.N0(unbound)))
	if o := body(t, one.Do(get(metadataPath))); o["tls_client_certificate_bound_access_tokens"] != true {
		t.Errorf("metadata %v", o)
	}
	bound := w.Token(one)
	wantA.check(t, one.Do(running.N0(bound)))
	wantInvalidToken.check(t, another.Do(running.N0(bound)))

	// A token that was bound stays so.
	w.Documents.Gateway.CertificateBoundTokens = false
	w.Publish()
	wantA.check(t, one.Do(running.N0(bound)))
	wantInvalidToken.check(t, another.Do(running.N0(bound)))
	wantA.check(t, another.Do(running.N0(unbound)))
	if a := one.Do(revoke(bound)); a.Status != http.StatusOK {
		t.Errorf("revocation %s", a)
	}
	wantInvalidToken.check(t, one.Do(running.N0(bound)))
}

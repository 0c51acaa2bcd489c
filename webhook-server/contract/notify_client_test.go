package contract_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func decodeBase64(t *testing.T, text string) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func testForeignToken(t *testing.T, _ *site) {
	s := newSite(t, func(w *running.World) {
		w.Another("globex", "MGW_000002", "globex-d1").Client.Scopes = []string{"d1:notify", "d1:other"}
	})
	s.everywhere(t, func(v *visit) {
		other := v.w.TokenOf(v.c, "globex-d1", fixture.ClientSecret)
		unscoped := v.c.Do(basic("globex-d1", fixture.ClientSecret).WithBody("grant_type=client_credentials&scope=d1:other")).Token()
		toOther := func(token string) running.Request {
			return running.N0(token).WithPath(strings.Replace(fixture.NotifyPath, fixture.GatewayID, "MGW_000002", 1))
		}
		m := newMint(v.T, v.w.Documents)
		v.expect(wantInvalidToken, cases{
			"of another gateway":                          running.N0(other),
			"for another gateway":                         toOther(v.token),
			"without the scope":                           toOther(unscoped),
			"without any scope":                           running.N0(m.token(nil, object{"scope": nil})),
			"with an empty scope":                         running.N0(m.token(nil, object{"scope": ""})),
			"with a scope that is a list":                 running.N0(m.token(nil, object{"scope": []string{"d1:notify"}})),
			"with part of the scope":                      running.N0(m.token(nil, object{"scope": "d1:notif"})),
			"with more than the scope":                    running.N0(m.token(nil, object{"scope": "d1:notify2"})),
			"with the scope in capitals":                  running.N0(m.token(nil, object{"scope": "D1:NOTIFY"})),
			"with the scope behind a comma":               running.N0(m.token(nil, object{"scope": "x,d1:notify"})),
			"with the client of another":                  running.N0(m.token(nil, object{"sub": "globex-d1", "client_id": "globex-d1"})),
			"with the issuer of another":                  running.N0(m.token(nil, object{"iss": strings.Replace(fixture.Issuer, "1", "2", 1)})),
			"signed by us, the key said to be of another": running.N0(m.token(object{"kid": "globex-key-1"}, nil)),
		})
		v.expect(wantA, cases{"at its own gateway": toOther(other), "ours": v.n0()})
	})
}

func testTwoAuthorizations(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		good := "Bearer " + v.token
		v.expect(wantF("authorization"), cases{
			"the same twice":         v.n0().With("Authorization", good, good),
			"good and garbage":       v.n0().With("Authorization", good, "Bearer x"),
			"garbage and good":       v.n0().With("Authorization", "Bearer x", good),
			"good and Basic":         v.n0().With("Authorization", good, fixture.Basic),
			"good and an empty one":  v.n0().With("Authorization", good, ""),
			"both garbage":           v.n0().With("Authorization", "x", "y"),
			"three":                  v.n0().With("Authorization", good, good, good),
			"and a bad Content-Type": v.n0().With("Authorization", good, good).With("Content-Type", "text/plain"),
			"and a bad body":         v.n0().With("Authorization", good, good).WithBody("x"),
		})
		v.expect(wantF("merchantId"), cases{"and a bad merchant": v.n0().With("Authorization", good, good).WithPath(strings.Replace(fixture.NotifyPath, fixture.MerchantID, "x", 1))})
		v.expect(wantBR("invalid_request"), cases{
			"on the token endpoint":                 running.T0().With("Authorization", fixture.Basic, fixture.Basic),
			"on the token endpoint, one is a token": running.T0().With("Authorization", fixture.Basic, good),
			"on the Issuer path":                    running.T0().WithPath(fixture.IssuerTokenPath).With("Authorization", fixture.Basic, fixture.Basic),
		})
	})
}

func testBadTokenFirst(t *testing.T, s *site) {
	s.inBothVersions(t, func(v *visit) {
		for who, authorization := range map[string]string{"garbage": "Bearer x", "altered": "Bearer " + v.token + "A"} {
			n0 := v.n0().With("Authorization", authorization)
			v.expect(wantInvalidToken, cases{
				who + " and an empty body":        n0.WithBody(""),
				who + " and no JSON":              n0.WithBody("x"),
				who + " and a bad updateType":     n0.WithBody(`{"updateType":"x"}`),
				who + " and a body too long":      n0.WithBody(strings.Repeat("x", 65<<10)),
				who + " and no Content-Type":      n0.With("Content-Type"),
				who + " and a wrong Content-Type": n0.With("Content-Type", "text/plain"),
				who + " and a Content-Encoding":   n0.With("Content-Encoding", "gzip"),
				who + " and a malformed merchant": n0.WithPath(strings.Replace(n0.Path, fixture.MerchantID, "x", 1)),
				who + " and an unknown merchant":  n0.WithPath(strings.Replace(n0.Path, fixture.MerchantID, "40010000009", 1)),
				who + " and a malformed token id": n0.WithToken("a%20b"),
			})
		}
		v.expect(wantNoToken, cases{
			"no token and an empty body":        running.N0("").WithBody(""),
			"no token and a malformed merchant": running.N0("").WithPath(strings.Replace(fixture.NotifyPath, fixture.MerchantID, "x", 1)),
		})
	})
}

var d1 = pkix.Name{CommonName: "d1-out", Organization: []string{"Thales"}}

// mutual asks for certificates of the CA with the subject d1.
func mutual(ca *running.Authority, oauthDisabled bool) func(w *running.World) {
	return func(w *running.World) {
		w.RequireClientCertificate(ca, "CN=d1-out,O=Thales")
		w.Documents.Gateway.OAuthDisabled = oauthDisabled
	}
}

func testOAuthDisabled(t *testing.T, _ *site) {
	ca := running.NewAuthority(t, "Thales client CA")
	w := running.StartTLS(t, mutual(ca, true))
	certificate := ca.Leaf(d1, time.Now().Add(time.Hour))
	for _, transport := range w.Transports() {
		t.Run(transport.Name, func(t *testing.T) {
			v := &visit{T: t, w: w, c: w.Over(transport, certificate).For(t)}
			n0 := running.N0("")
			v.expect(wantA, cases{
				"no Authorization":      n0,
				"garbage":               n0.With("Authorization", "Bearer x"),
				"Basic":                 n0.With("Authorization", fixture.Basic),
				"empty":                 n0.With("Authorization", ""),
				"two":                   n0.With("Authorization", "Bearer x", "Bearer y"),
				"a scheme nobody knows": n0.With("Authorization", "Foo bar"),
			})
			v.expect(wantF("body"), cases{"a bad body": n0.WithBody("x"), "a bad body and garbage": n0.WithBody("x").With("Authorization", "Bearer x")})
			stranger := w.Over(transport, ca.Leaf(pkix.Name{CommonName: "d1-out"}, time.Now().Add(time.Hour))).For(t)
			wantNoToken.check(t, stranger.Do(n0))
			wantNoToken.check(t, stranger.Do(n0.With("Authorization", "Bearer x")))
		})
	}
}

func testClientCertificate(t *testing.T, _ *site) {
	ca, other := running.NewAuthority(t, "Thales client CA"), running.NewAuthority(t, "Thales client CA")
	w := running.StartTLS(t, mutual(ca, false))
	later, long := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	leaf := func(issuer *running.Authority, change func(c *x509.Certificate)) []tls.Certificate {
		template := running.LeafTemplate(d1, later)
		if change != nil {
			change(template)
		}
		return []tls.Certificate{issuer.Issue(template)}
	}
	below := ca.Intermediate("Thales issuing CA")
	broken := leaf(below, nil)
	broken[0].Certificate = broken[0].Certificate[:1]
	named := func(subject pkix.Name) []tls.Certificate {
		return leaf(ca, func(c *x509.Certificate) { c.Subject = subject })
	}
	handshakeFails := map[string][]tls.Certificate{
		"none":                       nil,
		"of another CA of that name": leaf(other, nil),
		"expired":                    leaf(ca, func(c *x509.Certificate) { c.NotAfter = long }),
		"not valid yet":              leaf(ca, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }),
		"for servers only":           leaf(ca, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
		"self-signed":                {running.SelfSigned(t, running.LeafTemplate(d1, later))},
		"its intermediate missing":   broken,
	}
	passes := map[string]struct {
		certificates []tls.Certificate
		want         want
	}{
		"of the CA and a listed subject": {leaf(ca, nil), wantA},
		"more attributes than listed":    {named(pkix.Name{CommonName: "d1-out", Organization: []string{"Thales"}, OrganizationalUnit: []string{"x"}}), wantA},
		"two organizations":              {named(pkix.Name{CommonName: "d1-out", Organization: []string{"X", "Thales"}}), wantA},
		"by an intermediate CA":          {leaf(below, nil), wantA},
		"for any usage":                  {leaf(ca, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }), wantA},
		"subject not listed":             {named(pkix.Name{CommonName: "other", Organization: []string{"Thales"}}), wantNoToken},
		"an attribute missing":           {named(pkix.Name{CommonName: "d1-out"}), wantNoToken},
		"no subject":                     {named(pkix.Name{}), wantNoToken},
		"a longer name":                  {named(pkix.Name{CommonName: "d1-out2", Organization: []string{"Thales"}}), wantNoToken},
		"attributes in another place":    {named(pkix.Name{CommonName: "Thales", Organization: []string{"d1-out"}}), wantNoToken},
		"attributes within one text":     {named(pkix.Name{CommonName: "d1-out,O=Thales"}), wantNoToken},
	}
	good := w.Over(running.TLS13, leaf(ca, nil)...)
	token := w.Token(good)
	for _, transport := range w.Transports() {
		t.Run(transport.Name, func(t *testing.T) {
			for name, certificates := range handshakeFails {
				t.Run(name, func(t *testing.T) {
					c := w.Over(transport, certificates...).For(t)
					for _, r := range []running.Request{running.N0(token), running.T0()} {
						if a, err := c.Try(t.Context(), r); err == nil {
							t.Errorf("it is answered %s", a)
						}
					}
				})
			}
			for name, tc := range passes {
				t.Run(name, func(t *testing.T) {
					c := w.Over(transport, tc.certificates...).For(t)
					tc.want.check(t, c.Do(running.N0(token)))
					if tc.want == wantNoToken {
						// The certificate decides before the token does.
						tc.want.check(t, c.Do(running.N0("x")))
						tc.want.check(t, c.Do(running.N0(token).WithBody("x")))
					}
				})
			}
			t.Run("good certificate, bad token", func(t *testing.T) {
				c := w.Over(transport, leaf(ca, nil)...).For(t)
				wantInvalidToken.check(t, c.Do(running.N0("x")))
				wantNoToken.check(t, c.Do(running.N0("")))
			})
		})
	}
	t.Run("alternative names", testSubjectAltNames)
	t.Run("plain HTTP", func(t *testing.T) {
		v := world(t, mutual(ca, false))
		v.expect(wantNoToken, cases{"with a token": v.n0(), "with a header that claims a certificate": v.n0().With("X-Forwarded-Client-Cert", `Subject="CN=d1-out,O=Thales"`).With("X-SSL-Client-S-DN", "CN=d1-out,O=Thales").With("Client-Cert", ":"+base64.StdEncoding.EncodeToString(leaf(ca, nil)[0].Certificate[0])+":")})
	})
}

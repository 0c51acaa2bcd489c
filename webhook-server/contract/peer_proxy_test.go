package contract_test

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// proxies are the addresses of trusted proxies; no other client of a test has one.
var proxies = netip.MustParsePrefix("127.9.0.0/16")

// proxy is a client at the address of a trusted proxy.
func proxy(t *testing.T, w *running.World, transport running.Transport, certificates ...tls.Certificate) *running.Client {
	t.Helper()
	return w.OverFrom(netip.MustParseAddr("127.9.0.1"), transport, certificates...).For(t)
}

// behindProxy trusts proxies, and reads client certificates from that header; empty reads none.
func behindProxy(header string) func(w *running.World) {
	return func(w *running.World) {
		w.Options.TrustedProxies, w.Options.ClientCertificateHeader = []netip.Prefix{proxies}, header
	}
}

// The formats in which proxies pass a chain on; the leaf comes first.
var formats = map[string]struct {
	header string
	encode func(chain [][]byte) string
}{
	"Client-Cert (RFC 9440)": {"Client-Cert", func(chain [][]byte) string { return ":" + standardBase64(chain[0]) + ":" }},
	"Envoy's Cert": {"X-Forwarded-Client-Cert", func(chain [][]byte) string {
		return `Hash=0a1b;Cert="` + escapedPEM(chain[:1]) + `";Subject="CN=x,O=y"`
	}},
	"Envoy's Chain":                         {"X-Forwarded-Client-Cert", func(chain [][]byte) string { return `Chain="` + escapedPEM(chain) + `"` }},
	"Envoy's second element":                {"X-Forwarded-Client-Cert", func(chain [][]byte) string { return `By=x;Hash=0a,By=y;Cert="` + escapedPEM(chain[:1]) + `"` }},
	"nginx: URL-encoded PEM":                {"X-SSL-Client-Cert", func(chain [][]byte) string { return escapedPEM(chain[:1]) }},
	"AWS: URL-encoded PEM, + left as it is": {"X-Amzn-Mtls-Clientcert", func(chain [][]byte) string { return strings.ReplaceAll(escapedPEM(chain[:1]), "%2B", "+") }},
	"HAProxy: base64 of DER":                {"X-Client-Der", func(chain [][]byte) string { return standardBase64(chain[0]) }},
	"Traefik: a chain behind commas": {"X-Forwarded-Tls-Client-Cert", func(chain [][]byte) string {
		encoded := make([]string, len(chain))
		for i, der := range chain {
			encoded[i] = standardBase64(der)
		}
		return strings.Join(encoded, ",")
	}},
}

func standardBase64(der []byte) string { return base64.StdEncoding.EncodeToString(der) }

func escapedPEM(chain [][]byte) string {
	var text []byte
	for _, der := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20")
}

func TestClientCertificateInAProxysHeader(t *testing.T) {
	t.Parallel()
	ca, other := running.NewAuthority(t, "Thales client CA"), running.NewAuthority(t, "Thales client CA")
	good, bad := ca.Leaf(d1, time.Now().Add(time.Hour)), other.Leaf(d1, time.Now().Add(time.Hour))
	expired, unlisted := ca.Leaf(d1, time.Now().Add(-time.Minute)), ca.Leaf(pkix.Name{CommonName: "d1-out"}, time.Now().Add(time.Hour))
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := running.Start(t, func(w *running.World) {
				mutual(ca, false)(w)
				behindProxy(format.header)(w)
			})
			token := w.Token(w.Client())
			n0 := running.N0(token)
			with := func(c tls.Certificate) running.Request { return n0.With(format.header, format.encode(c.Certificate)) }
			for _, transport := range w.Transports() {
				v := &visit{T: t, w: w, c: proxy(t, w, transport)}
				value := format.encode(good.Certificate)
				v.expect(wantA, cases{transport.Name + " its own": with(good), transport.Name + " spaces around it": n0.With(format.header, " "+value+" ")})
				v.expect(wantNoToken, cases{
					transport.Name + " none":                    n0,
					transport.Name + " empty":                   n0.With(format.header, ""),
					transport.Name + " of another CA":           with(bad),
					transport.Name + " expired":                 with(expired),
					transport.Name + " with another subject":    with(unlisted),
					transport.Name + " twice":                   n0.With(format.header, value, value),
					transport.Name + " a bad one and a good":    n0.With(format.header, format.encode(bad.Certificate), value),
					transport.Name + " a good one and an empty": n0.With(format.header, value, ""),
					transport.Name + " cut off":                 n0.With(format.header, value[:len(value)/2]),
					transport.Name + " with something behind":   n0.With(format.header, value+"x"),
					transport.Name + " garbage":                 n0.With(format.header, "garbage"),
					transport.Name + " under another name":      n0.With("X-Other-Cert", value).With("X-Ssl-Client-S-Dn", "CN=d1-out,O=Thales"),
				})
				wantNoToken.check(t, proxy(t, w, transport).Do(running.N0("x").With(format.header, format.encode(bad.Certificate))))
				// From anybody else the header means nothing.
				untrusted := &visit{T: t, w: w, c: w.Over(transport).For(t)}
				untrusted.expect(wantNoToken, cases{transport.Name + " from elsewhere": with(good), transport.Name + " from elsewhere, as if forwarded": with(good).With("X-Forwarded-For", "127.9.0.1").With("Forwarded", "for=127.9.0.1")})
			}
		})
	}
}

func TestAChainInAProxysHeader(t *testing.T) {
	t.Parallel()
	ca := running.NewAuthority(t, "Thales client CA")
	leaf := ca.Intermediate("Thales issuing CA").Leaf(d1, time.Now().Add(time.Hour))
	send := func(t *testing.T, name string, change func(n0 running.Request) running.Request) running.Answer {
		t.Helper()
		w := running.Start(t, func(w *running.World) {
			mutual(ca, false)(w)
			behindProxy(name)(w)
		})
		return proxy(t, w, running.HTTP1).Do(change(running.N0(w.Token(w.Client()))))
	}
	chain := ":" + standardBase64(leaf.Certificate[1]) + ":"
	clientCert := func(n0 running.Request) running.Request {
		return n0.With("Client-Cert", ":"+standardBase64(leaf.Certificate[0])+":")
	}
	wantA.check(t, send(t, "Client-Cert", func(n0 running.Request) running.Request { return clientCert(n0).With("Client-Cert-Chain", chain) }))
	wantNoToken.check(t, send(t, "Client-Cert", clientCert))
	wantNoToken.check(t, send(t, "Client-Cert", func(n0 running.Request) running.Request { return n0.With("Client-Cert-Chain", chain) }))
	for _, name := range []string{"Envoy's Chain", "Traefik: a chain behind commas"} {
		format := formats[name]
		wantA.check(t, send(t, format.header, func(n0 running.Request) running.Request {
			return n0.With(format.header, format.encode(leaf.Certificate))
		}))
		// What a client has sent and the proxy has only added to: the client's invention stands first.
		stranger := running.SelfSigned(t, running.LeafTemplate(d1, time.Now().Add(time.Hour)))
		wantNoToken.check(t, send(t, format.header, func(n0 running.Request) running.Request {
			return n0.With(format.header, format.encode(slices.Concat(stranger.Certificate, leaf.Certificate)))
		}))
	}
}

func TestAProxyThatSpeaksTLSToTheServer(t *testing.T) {
	t.Parallel()
	ca := running.NewAuthority(t, "Thales client CA")
	one, another := ca.Leaf(d1, time.Now().Add(time.Hour)), ca.Leaf(d1, time.Now().Add(time.Hour))
	w := running.StartTLS(t, func(w *running.World) {
		mutual(ca, false)(w)
		behindProxy("Client-Cert")(w)
		w.Documents.Gateway.CertificateBoundTokens = true
	})
	with := func(r running.Request, c tls.Certificate) running.Request {
		return r.With("Client-Cert", ":"+standardBase64(c.Certificate[0])+":")
	}
	for _, transport := range w.Transports() {
		t.Run(transport.Name, func(t *testing.T) {
			// The proxy is asked for no certificate, and one that it has all the same is not the client's.
			for name, c := range map[string]*running.Client{"without a certificate": proxy(t, w, transport), "with a certificate of its own": proxy(t, w, transport, one)} {
				v := &visit{T: t, w: w, c: c}
				wantIC.check(t, c.Do(running.T0()))
				token := c.Do(with(running.T0(), one)).Token()
				o := v.isActive(t, introspect(token))
				if cnf, _ := o["cnf"].(object); cnf["x5t#S256"] != thumbprint(one) {
					t.Errorf("%s: cnf is %v", name, o["cnf"])
				}
				v.expect(wantA, cases{name + ", on its certificate": with(running.N0(token), one)})
				v.expect(wantInvalidToken, cases{name + ", on another": with(running.N0(token), another)})
				v.expect(wantNoToken, cases{name + ", on none": running.N0(token)})
			}
			// Everybody else shows a certificate in the handshake, and the header means nothing.
			direct := w.Over(transport, one).For(t)
			token := direct.Do(with(running.T0(), another)).Token()
			wantA.check(t, direct.Do(with(running.N0(token), another)))
			wantInvalidToken.check(t, w.Over(transport, another).For(t).Do(with(running.N0(token), one)))
			if a, err := w.Over(transport).For(t).Try(t.Context(), with(running.N0(token), one)); err == nil {
				t.Errorf("without a certificate it is answered %s", a)
			}
		})
	}
}

func TestTLSClientAuthBehindAProxy(t *testing.T) {
	t.Parallel()
	ca := running.NewAuthority(t, "Thales client CA")
	w := running.Start(t, func(w *running.World) {
		withCertificateClient(ca)(w)
		behindProxy("X-SSL-Client-Cert")(w)
	})
	escaped := func(c tls.Certificate) string { return escapedPEM(c.Certificate) }
	good := escaped(ca.Leaf(d1, time.Now().Add(time.Hour)))
	r := byCertificate(running.T0(), certificateClientID)
	for _, transport := range w.Transports() {
		v := &visit{T: t, w: w, c: proxy(t, w, transport)}
		v.expect(wantOK, cases{transport.Name: r.With("X-SSL-Client-Cert", good)})
		v.expect(wantIC, cases{
			transport.Name + " none": r, transport.Name + " twice": r.With("X-SSL-Client-Cert", good, good),
			transport.Name + " another subject": r.With("X-SSL-Client-Cert", escaped(ca.Leaf(pkix.Name{CommonName: "x"}, time.Now().Add(time.Hour)))),
		})
		wantIC.check(t, w.Over(transport).For(t).Do(r.With("X-SSL-Client-Cert", good)))
	}
}

func TestAProxyHeaderIsNotReadWithoutTheOption(t *testing.T) {
	t.Parallel()
	ca := running.NewAuthority(t, "Thales client CA")
	w := running.Start(t, func(w *running.World) {
		mutual(ca, false)(w)
		behindProxy("")(w)
	})
	token, good := w.Token(w.Client()), ca.Leaf(d1, time.Now().Add(time.Hour))
	for name, format := range formats {
		if a := proxy(t, w, running.HTTP1).Do(running.N0(token).With(format.header, format.encode(good.Certificate))); a.Status != http.StatusUnauthorized {
			t.Errorf("%s is answered %s", name, a)
		}
	}
	w.Documents.Gateway.OAuthDisabled = true
	w.Documents.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic}
	w.Publish()
	wantNoToken.check(t, proxy(t, w, running.HTTP1).Do(running.N0("").With("Client-Cert", ":"+standardBase64(good.Certificate[0])+":")))
}

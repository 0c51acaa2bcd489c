package peer_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

// serve runs a real server with TLS that answers with the thumbprint, or 401 with the error.
func serve(t *testing.T, v *peer.Resolver, verify func(*http.Request) error) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := verify(r); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, v.Thumbprint(r))
	}))
	s.EnableHTTP2 = true
	s.Config.ConnContext = peer.ConnContext
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, c *http.Client, url string, lines ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(lines); i += 2 {
		r.Header.Add(lines[i], lines[i+1])
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(read)
}

func thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestARealConnectionBringsItsCertificateAndIsVerifiedOnce(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	leaf, key := thales.leafAndKey()
	uses := watch(thales.certificate)
	v, g := direct(), gateway(api.CertificateRules{}, thales)
	s := serve(t, v, func(r *http.Request) error { return v.Verify(r, g) })
	c := s.Client()
	c.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}
	var first int64
	for i := range 3 {
		status, body := get(t, c, s.URL, "Client-Cert", byteSequence(thales.leaf()))
		if status != http.StatusOK || body != thumbprint(leaf) {
			t.Fatalf("answer %d is %d %s", i, status, body)
		}
		if i == 0 {
			first = uses.Load()
		}
	}
	if n := uses.Load(); first == 0 || n != first {
		t.Errorf("the CA's key is used %d times for the first request, %d for all", first, n)
	}
	c.CloseIdleConnections()
	if status, body := get(t, c, s.URL); status != http.StatusOK || uses.Load() == first {
		t.Errorf("a new connection is answered %d %s without a look", status, body)
	}
}

func TestARealProxyConnectionBringsTheClientsInTheHeader(t *testing.T) {
	thales := newAuthority(t, "Thales CA")
	one, two := thales.leaf(), thales.leaf()
	ofProxy, key := newAuthority(t, "proxies' CA").leafAndKey()
	v := peer.New(peer.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Header: "X-Client", Now: at(today)})
	g := gateway(api.CertificateRules{}, thales)
	s := serve(t, v, func(r *http.Request) error { return v.Verify(r, g) })
	c := s.Client()
	c.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{{Certificate: [][]byte{ofProxy.Raw}, PrivateKey: key}}
	for _, leaf := range []*x509.Certificate{one, two, one} {
		if status, body := get(t, c, s.URL, "X-Client", escaped(leaf)); status != http.StatusOK || body != thumbprint(leaf) {
			t.Errorf("answer is %d %s", status, body)
		}
	}
	if status, body := get(t, c, s.URL); status != http.StatusUnauthorized {
		t.Errorf("without the header the answer is %d %s", status, body)
	}
}

func TestThumbprintIsThatOfRFC8705(t *testing.T) {
	leaf := newAuthority(t, "CA").leaf()
	if got := direct().Thumbprint(over(request(t, stranger), leaf)); got != thumbprint(leaf) || len(got) != 43 {
		t.Errorf("thumbprint is %q", got)
	}
	if got := direct().Thumbprint(request(t, stranger)); got != "" {
		t.Errorf("without a certificate it is %q", got)
	}
}

func TestWithoutAConnectionsContextAllIsTheSame(t *testing.T) {
	thales := newAuthority(t, "CA")
	leaf := thales.leaf()
	r := over(request(t, stranger), leaf)
	r = r.WithContext(t.Context())
	v := direct()
	for range 2 {
		if err := v.Verify(r, gateway(api.CertificateRules{}, thales)); err != nil || v.Leaf(r) != leaf {
			t.Errorf("error is %v", err)
		}
	}
}

func TestWhichConnectionsBringTheirCertificateInTheHeader(t *testing.T) {
	ip := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	v := behindProxies("Client-Cert")
	for address, want := range map[net.Addr]bool{
		ip(proxy):                     true,
		ip("[::ffff:10.0.0.7]:1"):     true,
		ip(stranger):                  false,
		&net.UnixAddr{Name: "socket"}: false,
	} {
		if got := v.CertificateInHeader(address); got != want {
			t.Errorf("%v: %v", address, got)
		}
	}
	if behindProxies("").CertificateInHeader(ip(proxy)) {
		t.Error("a header that is not configured is expected")
	}
}

func TestOptionsAreValidated(t *testing.T) {
	for name, tc := range map[string]struct {
		o  peer.Options
		ok bool
	}{
		"nothing":                       {peer.Options{}, true},
		"proxies":                       {peer.Options{TrustedProxies: proxies}, true},
		"proxies and a header":          {peer.Options{TrustedProxies: proxies, Header: "x-forwarded-client-cert"}, true},
		"a header without proxies":      {peer.Options{Header: "Client-Cert"}, false},
		"no name of a header":           {peer.Options{TrustedProxies: proxies, Header: "Client Cert"}, false},
		"a header with a line end":      {peer.Options{TrustedProxies: proxies, Header: "A\r\nB"}, false},
		"a name beyond ASCII":           {peer.Options{TrustedProxies: proxies, Header: "Zertifikät"}, false},
		"a header that says otherwise":  {peer.Options{TrustedProxies: proxies, Header: "authorization"}, false},
		"the header of the chain alone": {peer.Options{TrustedProxies: proxies, Header: "client-cert-chain"}, false},
		"no range":                      {peer.Options{TrustedProxies: []netip.Prefix{{}}}, false},
	} {
		if err := tc.o.Validate(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

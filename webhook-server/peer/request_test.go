package peer_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

const (
	proxy    = "10.0.0.7:41234"
	stranger = "203.0.113.9:5555"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

// behindProxies is a Resolver that reads the header from proxies.
func behindProxies(header string) *peer.Resolver {
	return peer.New(peer.Options{TrustedProxies: proxies, Header: header, Now: at(today)})
}

func direct() *peer.Resolver { return peer.New(peer.Options{Now: at(today)}) }

// request comes from the address, with header lines as name and value in turn.
func request(tb testing.TB, remote string, lines ...string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", http.NoBody)
	r.RemoteAddr = remote
	for i := 0; i < len(lines); i += 2 {
		r.Header.Add(lines[i], lines[i+1])
	}
	return r
}

// over gives the request a TLS connection of its own with the client's chain.
func over(r *http.Request, chain ...*x509.Certificate) *http.Request {
	r.TLS = &tls.ConnectionState{PeerCertificates: chain}
	return r.WithContext(peer.ConnContext(r.Context(), nil))
}

func byteSequence(c *x509.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":"
}

func pemOf(chain ...*x509.Certificate) string {
	var text strings.Builder
	for _, c := range chain {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return text.String()
}

// escaped encodes as nginx and Envoy do: all but unreserved letters.
func escaped(chain ...*x509.Certificate) string {
	return strings.ReplaceAll(url.QueryEscape(pemOf(chain...)), "+", "%20")
}

// awsEscaped leaves +, = and / as they are.
func awsEscaped(chain ...*x509.Certificate) string {
	return strings.NewReplacer("%2B", "+", "%3D", "=", "%2F", "/").Replace(escaped(chain...))
}

func plainBase64(chain ...*x509.Certificate) string {
	var list []string
	for _, c := range chain {
		list = append(list, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return strings.Join(list, ",")
}

func equalChains(a, b []*x509.Certificate) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

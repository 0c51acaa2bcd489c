package running

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Transport is a way to reach D1's listener.
type Transport struct {
	Name string
	// TLS is the version spoken; 0 is plain HTTP.
	TLS uint16
	// HTTP2 is spoken in place of HTTP/1.1.
	HTTP2 bool
}

// The transports.
var (
	HTTP1      = Transport{Name: "HTTP"}
	H2C        = Transport{Name: "HTTP2 without TLS", HTTP2: true}
	TLS12      = Transport{Name: "TLS 1.2", TLS: tls.VersionTLS12}
	TLS13      = Transport{Name: "TLS 1.3", TLS: tls.VersionTLS13}
	TLS12HTTP2 = Transport{Name: "HTTP2 over TLS 1.2", TLS: tls.VersionTLS12, HTTP2: true}
	TLS13HTTP2 = Transport{Name: "HTTP2 over TLS 1.3", TLS: tls.VersionTLS13, HTTP2: true}
)

// Transports are those that the server of this world speaks.
func (w *World) Transports() []Transport {
	if w.CA == nil {
		return []Transport{HTTP1, H2C}
	}
	return []Transport{TLS12, TLS13, TLS12HTTP2, TLS13HTTP2}
}

// clients are those made so far, so that a stopping server does not wait for their idle connections.
type clients struct {
	mu      sync.Mutex
	all     []*http.Transport
	sources uint16
}

// nextSource is an address that no client of this world had before.
func (c *clients) nextSource() netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sources++
	return netip.MustParseAddr(fmt.Sprintf("127.1.%d.%d", c.sources>>8, c.sources&0xff))
}

func dialer(source netip.Addr) *net.Dialer {
	return &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))}
}

func (c *clients) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.all {
		t.CloseIdleConnections()
	}
}

// TLSConfig trusts the server's CA and presents the certificates.
func (w *World) TLSConfig(version uint16, certificates ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: w.CA.Pool(), MinVersion: version, MaxVersion: version, Certificates: certificates}
}

// Over answers a client of that transport, which presents the certificates.
func (w *World) Over(t Transport, certificates ...tls.Certificate) *Client {
	w.tb.Helper()
	return w.OverFrom(w.clients.nextSource(), t, certificates...)
}

// OverFrom is Over for a client that sends from an address in 127.0.0.0/8 which other clients may have too.
func (w *World) OverFrom(source netip.Addr, t Transport, certificates ...tls.Certificate) *Client {
	w.tb.Helper()
	if !slices.Contains(w.Transports(), t) {
		w.tb.Fatalf("this server does not speak %s", t.Name)
	}
	var config *tls.Config
	if t.TLS != 0 {
		config = w.TLSConfig(t.TLS, certificates...)
	}
	return w.client(source, t, config)
}

// Client is the world's own client of the transport that needs least: HTTP/1.1, over TLS 1.3 where the server speaks TLS.
func (w *World) Client() *Client { return w.own }

// newOwn is called once, before anybody can ask for it.
func (w *World) newOwn() *Client {
	w.tb.Helper()
	if w.CA == nil {
		return w.Over(HTTP1)
	}
	return w.Over(TLS13)
}

// ClientOf answers a client whose TLS is as config says.
func (w *World) ClientOf(config *tls.Config, http2 bool) *Client {
	w.tb.Helper()
	return w.client(w.clients.nextSource(), Transport{Name: "TLS", TLS: config.MaxVersion, HTTP2: http2}, config)
}

func (w *World) client(source netip.Addr, t Transport, config *tls.Config) *Client {
	transport := &http.Transport{DialContext: dialer(source).DialContext, TLSClientConfig: config, Protocols: new(http.Protocols), ExpectContinueTimeout: patience, DisableCompression: true}
	switch {
	case t.HTTP2 && config == nil:
		transport.Protocols.SetUnencryptedHTTP2(true)
	case t.HTTP2:
		transport.Protocols.SetHTTP2(true)
	default:
		transport.Protocols.SetHTTP1(true)
	}
	w.clients.mu.Lock()
	defer w.clients.mu.Unlock()
	w.clients.all = append(w.clients.all, transport)
	w.tb.Cleanup(transport.CloseIdleConnections)
	return &Client{
		Transport: t, world: w, tb: w.tb, config: config, source: source,
		HTTP: &http.Client{Transport: transport, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

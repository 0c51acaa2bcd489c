package app

import (
	"crypto/tls"
	"net"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// tls12Suites are the TLS 1.2 suites with forward secrecy and AEAD; TLS 1.3 has no others.
var tls12Suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// handshakes decides at each TLS handshake, by the host that the client names (SNI), which certificate is presented and whether one is
// asked for. A change of either needs no restart, and connections that are there already go on.
type handshakes struct {
	own      func() (*tls.Certificate, error)
	snapshot func() *serving.Snapshot
	// proxied says that the other end is a proxy that passes on D1's certificate in a header: its own would mean nothing.
	proxied func(net.Addr) bool
	now     func() time.Time
}

// config answers TLS 1.2 and 1.3.
func (h handshakes) config() *tls.Config {
	base := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   tls12Suites,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: h.certificate,
	}
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if h.proxied(hello.Conn.RemoteAddr()) {
			return nil, nil // base, which asks for no certificate
		}
		requiring, all := h.requiring(hello.ServerName)
		if len(requiring) == 0 {
			return nil, nil
		}
		config := base.Clone()
		config.GetConfigForClient = nil
		if len(requiring) == 1 {
			config.ClientCAs = requiring[0].ClientCAs // tells the client which of its certificates to choose
		}
		// Where a gateway without client certificates shares the host, the handshake cannot refuse for the others: their endpoint does.
		config.ClientAuth = tls.RequestClientCert
		if all {
			config.ClientAuth = tls.RequireAnyClientCert
			config.VerifyConnection = func(state tls.ConnectionState) error { return h.anyAccepts(requiring, state) }
		}
		return config, nil
	}
	return base
}

// certificate answers that of a gateway on the host, when it is valid for the host and the client can use it, else the server's own. One
// that is valid now goes before one that is not.
func (h handshakes) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	var chosen *tls.Certificate
	now := h.now()
	for g := range h.snapshot().GatewaysOn(hello.ServerName) {
		c := g.Certificate
		if c == nil || c.Leaf.VerifyHostname(hello.ServerName) != nil || hello.SupportsCertificate(c) != nil {
			continue
		}
		if now.After(c.Leaf.NotBefore) && now.Before(c.Leaf.NotAfter) {
			return c, nil
		}
		if chosen == nil {
			chosen = c
		}
	}
	if chosen != nil {
		return chosen, nil
	}
	return h.own()
}

// requiring answers the gateways on the host that require a client certificate, and whether all of those on the host do. A client that
// names no host, or an unknown one, may mean any gateway by its Host header.
func (h handshakes) requiring(host string) (requiring []*serving.Gateway, all bool) {
	snapshot := h.snapshot()
	gateways := slices.Collect(snapshot.GatewaysOn(host))
	if len(gateways) == 0 {
		gateways = snapshot.Gateways()
	}
	for _, g := range gateways {
		if g.ClientCertificate != nil {
			requiring = append(requiring, g)
		}
	}
	return requiring, len(requiring) == len(gateways)
}

// anyAccepts answers nil when the chain leads to a CA of one of the gateways.
func (h handshakes) anyAccepts(gateways []*serving.Gateway, state tls.ConnectionState) error {
	var err error
	for _, g := range gateways {
		if err = peer.VerifyChain(g, state.PeerCertificates, h.now()); err == nil {
			return nil
		}
	}
	return err
}

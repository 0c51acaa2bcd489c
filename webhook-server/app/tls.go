package app

import (
	"crypto/tls"
	"net"
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
	// serverCertificate is what is presented on hosts without a gateway's certificate.
	serverCertificate func() (*tls.Certificate, error)
	snapshot          func() *serving.Snapshot
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
		host := h.snapshot().Handshake(hello.ServerName)
		if !host.AsksClient {
			return nil, nil
		}
		return h.asking(base.Clone(), host), nil
	}
	return base
}

// asking makes a handshake ask for a client certificate.
//
// Where a gateway without client certificates shares the host it cannot refuse for the others. The notification endpoint then refuses
// requests for a gateway that requires one; the OAuth endpoints look at it only where it authenticates the client or the token is bound to it.
func (h handshakes) asking(config *tls.Config, host *serving.Handshake) *tls.Config {
	config.GetConfigForClient = nil
	// A session ticket carries the certificates of the handshake that it was given in. A client that resumes by one would keep to its former
	// certificate after a change of CA, and to none when its ticket is of a time or host that asked for none.
	config.SessionTicketsDisabled = true
	config.VerifyPeerCertificate = peer.CheckSize
	config.ClientCAs = host.NamedCAs
	config.ClientAuth = tls.RequestClientCert
	if !host.RequiresClient {
		return config
	}
	config.ClientAuth = tls.RequireAnyClientCert
	if host.ClientCAs != nil {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			return peer.VerifyChain(host.ClientCAs, state.PeerCertificates, h.now())
		}
	}
	return config
}

// certificate answers that of a gateway on the host, else the server's own. One that the client can use and that is valid now goes before
// the others. When the client can use none, the handshake fails: the server's own would be for another host.
func (h handshakes) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	all := h.snapshot().Handshake(hello.ServerName).Certificates
	if len(all) == 0 {
		return h.serverCertificate()
	}
	chosen, now := all[0], h.now()
	for _, c := range all {
		if hello.SupportsCertificate(c) != nil {
			continue
		}
		if now.After(c.Leaf.NotBefore) && now.Before(c.Leaf.NotAfter) {
			return c, nil
		}
		chosen = c
	}
	return chosen, nil
}

package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

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

// newTLSConfig answers TLS 1.2 and 1.3. Whether a client certificate is asked for is decided at each handshake by the gateways of
// the host that the client names (SNI), so that a change needs no restart.
func newTLSConfig(certificate func() (*tls.Certificate, error), snapshot func() *serving.Snapshot, now func() time.Time) *tls.Config {
	base := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   tls12Suites,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate() },
	}
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		var requiring []*serving.Gateway
		served := 0
		for _, g := range snapshot().Gateways() {
			if !g.AnswersOn(hello.ServerName) {
				continue
			}
			served++
			if g.ClientCertificate != nil {
				requiring = append(requiring, g)
			}
		}
		if served == 0 {
			// The client named no host, or an unknown one, and may mean any gateway by its Host header.
			requiring = slices.DeleteFunc(snapshot().Gateways(), func(g *serving.Gateway) bool { return g.ClientCertificate == nil })
		}
		if len(requiring) == 0 {
			return nil, nil // base, which asks for none
		}
		config := base.Clone()
		config.GetConfigForClient = nil
		// Where a gateway without client certificates shares the host, the handshake cannot refuse for the others: their endpoint does.
		config.ClientAuth = tls.RequestClientCert
		if len(requiring) == served {
			config.ClientAuth = tls.RequireAnyClientCert
			config.VerifyConnection = func(state tls.ConnectionState) error {
				return anyChainVerifies(requiring, state, now())
			}
		}
		return config, nil
	}
	return base
}

func anyChainVerifies(gateways []*serving.Gateway, state tls.ConnectionState, now time.Time) error {
	var err error
	for _, g := range gateways {
		if err = verifyChain(g, state.PeerCertificates, now); err == nil {
			return nil
		}
	}
	return err
}

// certificateFile is the server's own certificate, read again when its file changes: a new one works without a restart.
type certificateFile struct {
	certPath, keyPath string
	logger            *slog.Logger

	mu       sync.Mutex
	current  *tls.Certificate
	modified [2]time.Time
	checked  time.Time
}

// recheck bounds how often the files are looked at: once a second, however many handshakes there are.
const recheck = time.Second

func newCertificateFile(certPath, keyPath string, logger *slog.Logger) (*certificateFile, error) {
	f := &certificateFile{certPath: certPath, keyPath: keyPath, logger: logger}
	if err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// get answers the certificate, the new one when the files changed. While they do not go together (one is written before the other) the former one serves on.
func (f *certificateFile) get() (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.checked) >= recheck {
		f.checked = time.Now()
		if modified, err := f.stat(); err == nil && modified != f.modified {
			if err := f.load(); err != nil {
				f.logger.Warn("changed server certificate cannot be used, the former one serves on", "error", err)
			}
		}
	}
	if f.current == nil {
		return nil, errors.New("no server certificate")
	}
	return f.current, nil
}

func (f *certificateFile) stat() (modified [2]time.Time, err error) {
	for i, path := range []string{f.certPath, f.keyPath} {
		info, err := os.Stat(path)
		if err != nil {
			return modified, fmt.Errorf("reading server certificate: %w", err)
		}
		modified[i] = info.ModTime()
	}
	return modified, nil
}

func (f *certificateFile) load() error {
	modified, err := f.stat()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.certPath, f.keyPath)
	if err != nil {
		return fmt.Errorf("reading server certificate: %w", err)
	}
	f.current, f.modified = &pair, modified
	return nil
}

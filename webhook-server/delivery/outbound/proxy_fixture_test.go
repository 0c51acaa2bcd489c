package outbound

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// testProxy is an HTTP proxy that opens tunnels, unless it is told to answer otherwise.
type testProxy struct {
	*httptest.Server
	hosts map[string]string // what it dials for a host and port; others as they are

	mu      sync.Mutex
	answer  func(w http.ResponseWriter, r *http.Request) bool // answers in place of the tunnel
	targets []string
	headers []http.Header
}

func newTestProxy(t *testing.T, secure *tls.Config) *testProxy {
	t.Helper()
	p := &testProxy{hosts: map[string]string{}}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure != nil {
		p.TLS = secure
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

func (p *testProxy) answers(f func(w http.ResponseWriter, r *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

// status has it refuse every tunnel with a status.
func (p *testProxy) status(code int, header ...string) {
	p.answers(func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("X-Proxy", "planted-proxy-answer")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "planted-proxy-answer")
		return true
	})
}

// asked answers the targets of the requests so far.
func (p *testProxy) asked() ([]string, []http.Header) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.targets, p.headers
}

func (p *testProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	answer, target := p.answer, p.hosts[r.Host]
	p.targets, p.headers = append(p.targets, r.Method+" "+r.RequestURI), append(p.headers, r.Header.Clone())
	p.mu.Unlock()
	if answer != nil && answer(w, r) {
		return
	}
	if target == "" {
		target = r.Host
	}
	up, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(r.Context(), "tcp", target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = up.Close() }()
	down, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = down.Close() }()
	_, _ = io.WriteString(down, "HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
	go func() {
		_, _ = io.Copy(up, buffered)
		_ = up.Close()
	}()
	_, _ = io.Copy(down, up)
}

// through answers transports whose requests go through a proxy.
func through(t *testing.T, proxyURL string, o Options, more ...func(*ProxyOptions)) *Transports {
	t.Helper()
	u, err := url.Parse(proxyURL)
	if err != nil {
		t.Fatal(err)
	}
	options := ProxyOptions{URL: u}
	for _, m := range more {
		m(&options)
	}
	if o.Proxy, err = NewProxy(options); err != nil {
		t.Fatal(err)
	}
	transports := NewTransports(o)
	t.Cleanup(transports.Close)
	return transports
}

// certified makes a CA and a server certificate of it for 127.0.0.1 and the names.
func certified(t *testing.T, names ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: names,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool
}

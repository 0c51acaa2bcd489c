package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"

	api "github.com/d1gateway/d1gateway/api/serving"
)

const (
	// idleTransport is how long an unused transport is kept: longer than its connections are.
	idleTransport = 5 * time.Minute
	// maxHeaderBytes bounds the header of an answer.
	maxHeaderBytes = 64 << 10
)

// Options is what Transports are made of. Guard's zero value allows https to the public Internet only; everything else may be left out.
type Options struct {
	// Guard decides which addresses may be dialled.
	Guard Guard
	// Proxy is the egress proxy that all requests go through; nil for none. Whatever the environment says of proxies is not looked at.
	Proxy *Proxy
	// Resolver finds addresses; net.DefaultResolver when nil.
	Resolver *net.Resolver
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Transports keeps one http.Transport for each owner, scheme and TLS material, so that connections are reused over changes of
// configuration and no owner uses another one's. The ids of TLS material are made of its content, so equal ids are equal material.
// A transport that has not been used for five minutes is closed. Safe for concurrent use.
type Transports struct {
	dialing dialing
	now     func() time.Time
	open    context.Context // ends with Close
	stop    context.CancelFunc

	mu     sync.Mutex
	pool   map[key]*pooled
	tokens map[tokenKey]*tokenSource
	swept  time.Time
}

type key struct {
	owner, scheme string
	identity      api.TLS
}

type pooled struct {
	*http.Transport
	used time.Time
}

// NewTransports makes an empty pool.
func NewTransports(o Options) *Transports {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	open, stop := context.WithCancel(context.Background())
	return &Transports{
		dialing: dialing{guard: o.Guard, proxy: o.Proxy, resolver: o.Resolver, open: open},
		now:     o.Now, open: open, stop: stop, swept: o.Now(),
		pool: map[key]*pooled{}, tokens: map[tokenKey]*tokenSource{},
	}
}

// Len counts the transports that are kept.
func (t *Transports) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pool)
}

// Close closes every connection that is idle and ends what is fetched for access tokens or asked of the proxy; a connection in use is closed after its request.
// Nothing is to be sent afterwards.
func (t *Transports) Close() {
	t.stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, p := range t.pool {
		p.CloseIdleConnections()
		delete(t.pool, k)
	}
}

func (t *Transports) transport(owner, scheme string, e *serving.Endpoint) *http.Transport {
	k := key{owner: owner, scheme: scheme, identity: e.Identity}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.sweep(now)
	p := t.pool[k]
	if p == nil {
		p = &pooled{Transport: newTransport(t.dialing.dialer(scheme == "http"), e)}
		t.pool[k] = p
	}
	p.used = now
	return p.Transport
}

// sweep closes what has not been used for long, at most once a minute.
func (t *Transports) sweep(now time.Time) {
	if now.Sub(t.swept) < time.Minute {
		return
	}
	t.swept = now
	for k, p := range t.pool {
		if now.Sub(p.used) >= idleTransport {
			p.CloseIdleConnections()
			delete(t.pool, k)
		}
	}
	for k, s := range t.tokens {
		if now.Sub(s.used) >= idleTokenSource {
			delete(t.tokens, k)
		}
	}
}

// newTransport makes no bound on connections to one host: whoever sends bounds the requests under way, and two destinations on one
// host must not wait for each other here.
func newTransport(dial dialFunc, e *serving.Endpoint) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // neither the environment's nor ours: dial goes through the proxy by itself
		DialContext:            dial,
		TLSClientConfig:        tlsConfig(e),
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}, // finds connections that died silently
		DisableCompression:     true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

func tlsConfig(e *serving.Endpoint) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: e.RootCAs}
	if e.Certificate != nil {
		// Presented whatever list of CAs the peer sends: the destination's owner has chosen it for this peer.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return e.Certificate, nil }
	}
	return c
}

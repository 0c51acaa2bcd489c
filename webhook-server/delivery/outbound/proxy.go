package outbound

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	// proxyDialTime bounds the way to the proxy itself, its TLS included.
	proxyDialTime = 10 * time.Second
	// longestConnect bounds the way to the tunnel when the request has no deadline.
	longestConnect = time.Minute
	// maxAuthorization bounds the file with the value of Proxy-Authorization.
	maxAuthorization = 8 << 10
)

// ProxyOptions say which egress proxy requests go through.
type ProxyOptions struct {
	// URL is http or https, with a host and nothing else. Credentials have no place in it: it stands in logs and in process lists.
	URL *url.URL
	// AuthorizationFile holds the value of Proxy-Authorization, for example "Basic " and base64; empty sends none. It is read for each
	// connection, so that a new value needs no restart.
	AuthorizationFile string
	// RootCAs verify an https proxy; nil for the system's roots.
	RootCAs *x509.CertPool
}

// Proxy is the HTTP proxy that all requests go through, each by CONNECT, so that it sees no request and no body, plain http included.
type Proxy struct {
	address           string
	tls               *tls.Config // nil for http
	authorizationFile string
	dialer            net.Dialer
}

// NewProxy checks the options; nothing is dialled yet. The error says what to mend and repeats neither the URL nor the file's content.
func NewProxy(o ProxyOptions) (*Proxy, error) {
	u := o.URL
	switch {
	case u == nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return nil, errors.New("the proxy's URL is not http or https with a host")
	case u.User != nil:
		return nil, errors.New("the proxy's URL holds credentials: put the value of Proxy-Authorization into a file")
	case (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the proxy's URL has more than a scheme, a host and a port")
	}
	p := &Proxy{authorizationFile: o.AuthorizationFile, dialer: net.Dialer{Timeout: proxyDialTime, KeepAlive: 30 * time.Second}}
	port := u.Port()
	if u.Scheme == "https" {
		p.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), RootCAs: o.RootCAs, NextProtos: []string{"http/1.1"}}
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	p.address = net.JoinHostPort(u.Hostname(), port)
	if _, err := p.authorization(); err != nil {
		return nil, err
	}
	return p, nil
}

// connect answers a connection to the target, host:port, through the proxy. Its errors are faults: of the proxy, or what it said of the target.
// It goes on when the request has been answered over another connection or was cancelled, since the next one may use the tunnel, but not
// past the request's deadline.
func (p *Proxy) connect(ctx context.Context, target string) (net.Conn, error) {
	w := wayOf(ctx)
	w.reached(atProxy)
	ctx, cancel := context.WithTimeout(ctx, longestConnect)
	defer cancel()
	if deadline, bounded := w.request.Deadline(); bounded {
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	authorization, err := p.authorization()
	if err != nil {
		return nil, &failure{FaultProxy, err.Error()}
	}
	tunnel, err := p.tunnel(ctx, target, authorization)
	if err != nil {
		return nil, err
	}
	w.reached(pastProxy)
	return tunnel, nil
}

func (p *Proxy) tunnel(ctx context.Context, target, authorization string) (net.Conn, error) {
	conn, err := p.dial(ctx)
	if err != nil {
		return nil, &failure{FaultProxy, "dialling the proxy: " + err.Error()}
	}
	tunnel, err := open(ctx, conn, target, authorization)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return tunnel, nil
}

func (p *Proxy) dial(ctx context.Context) (net.Conn, error) {
	conn, err := p.dialer.DialContext(ctx, "tcp", p.address)
	if err != nil || p.tls == nil {
		return conn, err
	}
	ctx, cancel := context.WithTimeout(ctx, proxyDialTime)
	defer cancel()
	secure := tls.Client(conn, p.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// open asks the proxy for a tunnel: RFC 9110 section 9.3.6.
func open(ctx context.Context, conn net.Conn, target, authorization string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{"User-Agent": {"d1gateway"}}}
	if authorization != "" {
		req.Header.Set("Proxy-Authorization", authorization)
	}
	if err := req.Write(conn); err != nil {
		return nil, &failure{FaultProxy, "the connection to the proxy broke"}
	}
	reader := bufio.NewReader(io.LimitReader(conn, maxHeaderBytes))
	res, err := http.ReadResponse(reader, req) //nolint:bodyclose // to close it would be to read what belongs to the tunnel
	if err != nil {
		return nil, &failure{FaultProxy, "the proxy did not answer CONNECT"}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, refusal(res)
	}
	if !stop() {
		return nil, &failure{FaultProxy, "the proxy answered CONNECT too late"}
	}
	early, err := reader.Peek(reader.Buffered())
	if err != nil {
		return nil, &failure{FaultProxy, "the connection to the proxy broke"}
	}
	if len(early) > 0 { // the destination spoke first
		return &prefixed{Conn: conn, early: bytes.NewReader(early)}, nil
	}
	return conn, nil
}

// prefixed is a connection of which something has been read already.
type prefixed struct {
	net.Conn
	early *bytes.Reader
}

func (c *prefixed) Read(p []byte) (int, error) {
	if c.early.Len() > 0 {
		return c.early.Read(p)
	}
	return c.Conn.Read(p)
}

// authorization answers the value of Proxy-Authorization, "" for none. Its errors repeat nothing of the file.
func (p *Proxy) authorization() (string, error) {
	if p.authorizationFile == "" {
		return "", nil
	}
	f, err := os.Open(p.authorizationFile)
	if err != nil {
		return "", fmt.Errorf("reading the proxy's authorization: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxAuthorization+1))
	if err != nil {
		return "", fmt.Errorf("reading the proxy's authorization: %w", err)
	}
	value := bytes.TrimSpace(text)
	if len(value) == 0 || len(text) > maxAuthorization || bytes.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errors.New("reading the proxy's authorization: the file does not hold one line of visible characters, such as Basic and base64")
	}
	return string(value), nil
}

// Package listener is an address that speaks HTTP and on which a few senders cannot keep the others out: connections are bounded and
// shared between the sources that they come from, slow peers are cut off, and a new connection finds room where old ones are idle. It knows
// nothing of what is served.
//
// What it cannot prevent: senders with many addresses, about as many as there may be connections, take them one by one. A source that has
// never authenticated is then one of them: it has its share, which is one connection when there are as many sources, gets it at once or
// within about a second, and may lose it to the next one when it has been idle for a second. Connections whose handlers run are never
// closed, so that the handlers themselves must be bounded in number or time. An exempt proxy has no share of its own: it must bound its
// clients itself. And what does not come as far as being accepted, a flood of packets for instance, is the network's to prevent.
package listener

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
)

// Options say how to listen. Fields without a remark must be set.
type Options struct {
	// Name says in logs and errors what the address is for.
	Name string
	// Address is host:port; port 0 takes a free one.
	Address string
	// TLS is nil for plain HTTP.
	TLS *tls.Config
	// PlainHTTP2 also speaks HTTP/2 without TLS, as a proxy that ends TLS may.
	PlainHTTP2 bool
	// MaxConnections bounds the connections at once; it is at least 1. A source has a share of them that shrinks as others come.
	MaxConnections int
	// MaxPerSource bounds those of one source beside its share; 0 is no bound.
	MaxPerSource int
	// SourceKey answers by which address a source is counted, of an IPv6 host its /64 for instance. It is given no IPv4 address mapped into
	// IPv6 and no zone. When it is nil, every address is a source of its own.
	SourceKey func(netip.Addr) netip.Addr
	// Exempt are the addresses of proxies that many clients share, and that have no share for this reason; it may be empty.
	Exempt []netip.Prefix
	// ConnContext is that of http.Server; it may be nil.
	ConnContext func(context.Context, net.Conn) context.Context
	Handler     http.Handler
	Logger      *slog.Logger
}

// Listener is one address and the server behind it.
type Listener struct {
	name  string
	net   net.Listener
	guard *guard

	handshakes *handshakes
	server     *http.Server
}

// Listen binds the address. Nothing is accepted before Start.
func Listen(ctx context.Context, o Options) (*Listener, error) {
	var config net.ListenConfig
	bound, err := config.Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", o.Name, err)
	}
	guard := newGuard(o)
	l := &Listener{name: o.Name, net: guard.Listener(bound), guard: guard, server: productionLimits().server(guard.Handler(o.Handler), o.Logger)}
	l.handshakes = &handshakes{logger: o.Logger}
	l.server.ErrorLog = l.handshakes.errorLog()
	l.server.TLSConfig = o.TLS
	l.server.ConnContext = guard.ConnContext
	if o.ConnContext != nil {
		l.server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
			return o.ConnContext(guard.ConnContext(ctx, conn), conn)
		}
	}
	if o.PlainHTTP2 {
		l.server.Protocols = new(http.Protocols)
		l.server.Protocols.SetHTTP1(true)
		l.server.Protocols.SetUnencryptedHTTP2(true)
	}
	return l, nil
}

// Name is that of the options.
func (l *Listener) Name() string { return l.name }

// Addr is the address that was bound.
func (l *Listener) Addr() net.Addr { return l.net.Addr() }

// Counts answers how its connections fare now.
func (l *Listener) Counts() Counts {
	c := l.guard.Counts()
	c.HandshakesFailed = l.handshakes.failed.Load()
	return c
}

// Start serves until Stop or Close. A server that ends by itself is reported.
func (l *Listener) Start(failed chan<- error) {
	go func() {
		err := l.serve()
		if err != nil && err != http.ErrServerClosed { //nolint:errorlint // documented to be returned as it is
			failed <- fmt.Errorf("serving %s: %w", l.name, err)
		}
	}()
}

func (l *Listener) serve() error {
	if l.server.TLSConfig != nil {
		return l.server.ServeTLS(l.net, "", "")
	}
	return l.server.Serve(l.net)
}

// Stop lets requests under way finish until ctx ends.
func (l *Listener) Stop(ctx context.Context) error {
	if err := l.server.Shutdown(ctx); err != nil {
		_ = l.server.Close()
		return fmt.Errorf("stopping %s: %w", l.name, err)
	}
	return nil
}

// Close gives up an address that was never started.
func (l *Listener) Close() error { return l.net.Close() }

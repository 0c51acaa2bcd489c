// Package listener is an address that speaks HTTP and cannot be worn down: connections are bounded in all and for each source, slow
// peers are cut off, and a new connection finds room where old ones are idle. It knows nothing of what is served.
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
	// MaxConnections bounds the connections at once, MaxPerSource those of one address outside of the Exempt ranges. Both are at least 1.
	MaxConnections, MaxPerSource int
	// Exempt are the addresses of proxies that many clients share; it may be empty.
	Exempt []netip.Prefix
	// ConnContext is that of http.Server; it may be nil.
	ConnContext func(context.Context, net.Conn) context.Context
	Handler     http.Handler
	Logger      *slog.Logger
}

// Listener is one address and the server behind it.
type Listener struct {
	name   string
	net    net.Listener
	guard  *connections
	server *http.Server
}

// Listen binds the address. Nothing is accepted before Start.
func Listen(ctx context.Context, o Options) (*Listener, error) {
	var config net.ListenConfig
	bound, err := config.Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", o.Name, err)
	}
	guard := newConnections(o.MaxConnections, o.MaxPerSource, o.Exempt)
	l := &Listener{name: o.Name, net: guard.Listener(bound), guard: guard, server: productionLimits().server(o.Handler, o.Logger)}
	l.server.TLSConfig = o.TLS
	l.server.ConnContext = o.ConnContext
	l.server.ConnState = guard.ConnState
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
func (l *Listener) Counts() Counts { return l.guard.Counts() }

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

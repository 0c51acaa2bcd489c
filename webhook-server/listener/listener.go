package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// The limits on one request of D1. A slow sender is cut off; an answer may take as long as the slowest synchronous delivery.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 75 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	maxStreams        = 250
)

// listener is one address and the server behind it.
type listener struct {
	name   string
	net    net.Listener
	server *http.Server
	failed chan<- error
}

func listen(ctx context.Context, name, address string, maxConnections int) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", name, err)
	}
	return netutil.LimitListener(l, maxConnections), nil
}

// newServer has the limits of every listener.
func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		// "OPTIONS *" is a path like any other: 404.
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withConnection,
		// net/http logs what peers do wrong here, a handshake that failed for instance.
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// start serves until stop. A server that ends by itself is reported.
func (l *listener) start() {
	go func() {
		err := l.serve()
		if err != nil && err != http.ErrServerClosed { //nolint:errorlint // documented to be returned as it is
			l.failed <- fmt.Errorf("serving %s: %w", l.name, err)
		}
	}()
}

func (l *listener) serve() error {
	if l.server.TLSConfig != nil {
		return l.server.ServeTLS(l.net, "", "")
	}
	return l.server.Serve(l.net)
}

// stop lets requests under way finish until ctx ends.
func (l *listener) stop(ctx context.Context) error {
	if err := l.server.Shutdown(ctx); err != nil {
		_ = l.server.Close()
		return fmt.Errorf("stopping %s: %w", l.name, err)
	}
	return nil
}

package app

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/d1gateway/d1gateway/webhook-server/listener"
	"github.com/d1gateway/d1gateway/webhook-server/metrics"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

// Connections of people and of Prometheus.
const maxOwnConnections = 64

// bind takes the three addresses.
func (s *Server) bind(ctx context.Context) (err error) {
	if s.d1, err = s.bindD1(ctx); err != nil {
		return fmt.Errorf("--d1-bind-address: %w", err)
	}
	metrics.Connections(s.registry, s.d1)
	if s.own, err = s.bindOwn(ctx, "metrics", s.options.MetricsAddress, s.ownHandler()); err != nil {
		return fmt.Errorf("--metrics-bind-address: %w", err)
	}
	if s.options.AdminAddress == "" {
		return nil
	}
	handler, err := s.administration()
	if err != nil {
		return err
	}
	if s.admin, err = s.bindOwn(ctx, "administration", s.options.AdminAddress, handler); err != nil {
		return fmt.Errorf("--admin-bind-address: %w", err)
	}
	return nil
}

// bindD1 takes the address that D1 calls.
func (s *Server) bindD1(ctx context.Context) (*listener.Listener, error) {
	o := s.options
	options := listener.Options{
		Name: "D1", Address: o.D1Address, PlainHTTP2: o.InsecureHTTP, Handler: s.d1Handler(), Logger: o.Logger,
		MaxConnections: o.MaxConnections, MaxPerSource: o.MaxConnectionsPerSource, SourceKey: peer.SourceKey, Exempt: o.TrustedProxies, ConnContext: peer.ConnContext,
	}
	if !o.InsecureHTTP {
		certificate, err := newCertificateFile(o.TLSCertFile, o.TLSPrivateKeyFile, o.Logger)
		if err != nil {
			return nil, err
		}
		options.TLS = handshakes{serverCertificate: certificate.get, snapshot: s.state.Snapshot, proxied: s.peers.CertificateInHeader, now: o.Now}.config()
	}
	return listener.Listen(ctx, options)
}

// bindOwn takes an address in plain HTTP for people and programs of the platform.
func (s *Server) bindOwn(ctx context.Context, name, address string, handler http.Handler) (*listener.Listener, error) {
	return listener.Listen(ctx, listener.Options{
		Name: name, Address: address, Handler: handler, Logger: s.options.Logger,
		MaxConnections: maxOwnConnections,
	})
}

func (s *Server) ownHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry}))
	mux.HandleFunc("GET /healthz", s.health.alive)
	mux.HandleFunc("GET /readyz", s.health.ready)
	return mux
}

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/lookup"
	"github.com/d1gateway/d1gateway/webhook-server/metrics"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/cluster"
	"github.com/d1gateway/d1gateway/webhook-server/serving/directory"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/engine"
)

// Connections of people and of Prometheus.
const maxOwnConnections = 64

// Server is the whole server. New binds, Start serves, Stop ends.
type Server struct {
	options    Options
	state      *serving.State
	store      store.Store
	transports *outbound.Transports
	dispatcher *delivery.Dispatcher
	lookup     *lookup.Lookup
	health     *health
	registry   *prometheus.Registry
	metrics    *metrics.Metrics

	d1, own   *listener
	admin     *listener // nil when turned off
	source    func(context.Context)
	failed    chan error
	running   sync.WaitGroup
	cancelRun context.CancelFunc
}

// New opens the store, reads the state directory and binds the addresses. Nothing is served before Start. When it fails nothing is left open.
func New(ctx context.Context, o Options) (_ *Server, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o.Logger = slog.New(httpx.MaskingHandler(o.Logger.Handler())) // a token id may look like a card number
	s := &Server{options: o, state: serving.NewState(o.Logger), registry: prometheus.NewRegistry(), failed: make(chan error, 3)}
	defer func() {
		if err != nil {
			s.abandon()
		}
	}()
	s.metrics = metrics.New(s.registry)
	metrics.Serving(s.registry, s.state)
	if s.source, err = s.newSource(); err != nil {
		return nil, err
	}
	if s.store, err = engine.Open(ctx, o.Store, o.Logger, s.metrics.Committed); err != nil {
		return nil, err
	}
	s.health = &health{state: s.state, store: s.store}
	s.transports = outbound.NewTransports(outbound.NewGuard(o.DeliveryAllow), o.Now)
	s.lookup = lookup.New(lookup.Options{Transports: s.transports, Logger: o.Logger, Now: o.Now, Observe: s.metrics.LookedUp})
	s.dispatcher = delivery.New(delivery.Options{
		Store: s.store, Snapshot: s.state.Snapshot, Attempter: delivery.NewSender(s.transports, o.Now),
		Logger: o.Logger, Observer: metrics.Delivery{Metrics: s.metrics}, Now: o.Now,
	})
	if err := s.bind(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// newSource answers what reads the serving documents until its context ends.
func (s *Server) newSource() (func(context.Context), error) {
	if s.options.StateDir != "" {
		source, err := directory.New(s.options.StateDir, s.state, s.options.Logger)
		if err != nil {
			return nil, fmt.Errorf("--state-dir: %w", err)
		}
		return source.Run, nil
	}
	source, err := cluster.New(s.options.Cluster, s.options.SystemNamespace, s.state, s.options.Logger)
	if err != nil {
		return nil, err
	}
	return source.Run, nil
}

// bind takes the three addresses.
func (s *Server) bind(ctx context.Context) error {
	o := s.options
	d1, err := listen(ctx, "--d1-bind-address", o.D1Address, o.MaxConnections)
	if err != nil {
		return err
	}
	s.d1 = &listener{name: "D1", net: d1, server: newServer(s.d1Handler(), o.Logger), failed: s.failed}
	if o.InsecureHTTP {
		// A proxy that terminates TLS may speak HTTP/2 to this server.
		s.d1.server.Protocols = new(http.Protocols)
		s.d1.server.Protocols.SetHTTP1(true)
		s.d1.server.Protocols.SetUnencryptedHTTP2(true)
	} else {
		certificate, err := newCertificateFile(o.TLSCertFile, o.TLSPrivateKeyFile, o.Logger)
		if err != nil {
			return err
		}
		s.d1.server.TLSConfig = newTLSConfig(certificate.get, s.state.Snapshot, o.Now)
	}
	own, err := listen(ctx, "--metrics-bind-address", o.MetricsAddress, maxOwnConnections)
	if err != nil {
		return err
	}
	s.own = &listener{name: "metrics", net: own, server: newServer(s.ownHandler(), o.Logger), failed: s.failed}
	if o.AdminAddress == "" {
		return nil
	}
	token, err := readAdminToken(o.AdminTokenFile)
	if err != nil {
		return err
	}
	l, err := listen(ctx, "--admin-bind-address", o.AdminAddress, maxOwnConnections)
	if err != nil {
		return err
	}
	handler := admin.NewHandler(admin.Options{Store: s.store, Token: api.NewSecret(token), Logger: o.Logger})
	s.admin = &listener{name: "administration", net: l, server: newServer(handler, o.Logger), failed: s.failed}
	return nil
}

func (s *Server) ownHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry}))
	mux.HandleFunc("GET /healthz", s.health.alive)
	mux.HandleFunc("GET /readyz", s.health.ready)
	return mux
}

// Start begins to serve and to deliver, and answers at once.
func (s *Server) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancelRun = cancel
	s.running.Go(func() { s.source(ctx) })
	s.running.Go(func() {
		keep := map[store.State]time.Duration{store.Delivered: s.options.Retention, store.Dead: s.options.DeadRetention}
		prune(ctx, s.store, keep, s.options.Now, s.options.Logger)
	})
	s.running.Go(func() {
		// Before the documents are there every destination would be unknown.
		select {
		case <-s.state.WaitSynced():
			s.dispatcher.Start()
		case <-ctx.Done():
		}
	})
	for _, l := range s.listeners() {
		l.start()
		s.options.Logger.Info("listening", "for", l.name, "address", l.net.Addr().String())
	}
}

// Addr is where D1 calls.
func (s *Server) Addr() net.Addr { return s.d1.net.Addr() }

// MetricsAddr is where metrics and health are.
func (s *Server) MetricsAddr() net.Addr { return s.own.net.Addr() }

// AdminAddr is where the administration API is; nil when it is turned off.
func (s *Server) AdminAddr() net.Addr {
	if s.admin == nil {
		return nil
	}
	return s.admin.net.Addr()
}

// Failed answers the error of a listener that ended by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Stop ends in the order that loses nothing: no new request of D1, those under way to their end, then the deliveries under way, then
// the store. What had no time before ctx ends is cut off; what was accepted is in the store all the same.
func (s *Server) Stop(ctx context.Context) error {
	s.options.Logger.Info("stopping")
	s.health.stopping.Store(true)
	all := s.d1.stop(ctx)
	if err := s.dispatcher.Stop(ctx); err != nil {
		s.options.Logger.Warn("deliveries cut off, they will be sent again", "error", err)
	}
	s.cancelRun()
	s.running.Wait()
	for _, l := range s.listeners()[1:] {
		all = errors.Join(all, l.stop(ctx))
	}
	s.transports.Close()
	if err := s.store.Close(); err != nil {
		all = errors.Join(all, fmt.Errorf("closing the store: %w", err))
	}
	return all
}

func (s *Server) listeners() []*listener {
	all := []*listener{s.d1, s.own}
	if s.admin != nil {
		all = append(all, s.admin)
	}
	return all
}

// abandon closes what New had opened.
func (s *Server) abandon() {
	for _, l := range []*listener{s.d1, s.own, s.admin} {
		if l != nil {
			_ = l.net.Close()
		}
	}
	if s.store != nil {
		_ = s.store.Close()
	}
}

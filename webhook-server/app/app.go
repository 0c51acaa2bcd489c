package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	"github.com/d1gateway/d1gateway/webhook-server/listener"
	"github.com/d1gateway/d1gateway/webhook-server/lookup"
	"github.com/d1gateway/d1gateway/webhook-server/metrics"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/replica"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/cluster"
	"github.com/d1gateway/d1gateway/webhook-server/serving/directory"
	"github.com/d1gateway/d1gateway/webhook-server/serving/lastgood"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/revocation"
)

// Server is the whole server. New binds, Start serves, Stop ends.
type Server struct {
	options    Options
	state      *serving.State
	store      store.Store
	transports *outbound.Transports
	dispatcher *delivery.Dispatcher
	lookup     *lookup.Lookup
	peers      *peer.Resolver
	verifier   *accesstoken.Verifier
	revoked    *accesstoken.Revocations
	follower   *revocation.Follower
	health     *health
	registry   *prometheus.Registry
	metrics    *metrics.Metrics
	uses       *replica.Uses     // nil without a reporter
	reporter   *replica.Reporter // nil with a state directory

	d1, own   *listener.Listener
	admin     *listener.Listener // nil when turned off
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
	o.Logger = slog.New(api.MaskingHandler(o.Logger.Handler())) // a token id may look like a card number
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
	if s.store, err = o.openStore(ctx, s.metrics.Committed); err != nil {
		return nil, err
	}
	s.peers = peer.New(o.peers())
	s.revoked = new(accesstoken.Revocations)
	s.verifier = accesstoken.NewVerifier(rememberedTokens, s.revoked)
	s.follower = s.newFollower()
	if err := s.follower.Load(ctx); err != nil {
		return nil, err
	}
	s.health = &health{state: s.state, store: s.store}
	if err := s.report(); err != nil {
		return nil, err
	}
	if s.transports, err = o.transports(); err != nil {
		return nil, err
	}
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
	o := cluster.Options{
		Namespace: s.options.SystemNamespace, State: s.state, Logger: s.options.Logger,
		Patience: cmp.Or(s.options.StateCachePatience, cluster.Patience),
	}
	if s.options.StateCacheDir != "" {
		var err error
		if o.Copy, err = lastgood.Open(s.options.StateCacheDir, s.options.Logger); err != nil {
			return nil, fmt.Errorf("--state-cache-dir: %w", err)
		}
	}
	source, err := cluster.New(s.options.Cluster, o)
	if err != nil {
		return nil, err
	}
	return source.Run, nil
}

// Start begins to serve and to deliver, and answers at once.
func (s *Server) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancelRun = cancel
	s.running.Go(func() { s.source(ctx) })
	s.running.Go(func() { s.follower.Follow(ctx) })
	if s.reporter != nil {
		s.running.Go(func() { s.reporter.Run(ctx) })
	}
	s.running.Go(func() { s.retention().run(ctx) })
	s.running.Go(func() {
		// Before the documents are there every destination would be unknown.
		select {
		case <-s.state.WaitSynced():
			s.dispatcher.Start()
		case <-ctx.Done():
		}
	})
	for _, l := range s.listeners() {
		l.Start(s.failed)
		s.options.Logger.Info("listening", "for", l.Name(), "address", l.Addr().String())
	}
}

// Addr is where D1 calls.
func (s *Server) Addr() net.Addr { return s.d1.Addr() }

// MetricsAddr is where metrics and health are.
func (s *Server) MetricsAddr() net.Addr { return s.own.Addr() }

// AdminAddr is where the administration API is; nil when it is turned off.
func (s *Server) AdminAddr() net.Addr {
	if s.admin == nil {
		return nil
	}
	return s.admin.Addr()
}

// Failed answers the error of a listener that ended by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Stop ends in the order that loses nothing: no new request of D1, those under way to their end, then the deliveries under way, then
// the store. What had no time before ctx ends is cut off; what was accepted is in the store all the same.
func (s *Server) Stop(ctx context.Context) error {
	s.options.Logger.Info("stopping")
	s.health.stopping.Store(true)
	all := s.d1.Stop(ctx)
	var reported sync.WaitGroup
	reported.Go(func() { s.stopReporting(ctx) })
	if err := s.dispatcher.Stop(ctx); err != nil {
		s.options.Logger.Warn("deliveries cut off, they will be sent again", "error", err)
	}
	reported.Wait()
	s.cancelRun()
	s.running.Wait()
	for _, l := range s.listeners()[1:] {
		all = errors.Join(all, l.Stop(ctx))
	}
	s.transports.Close()
	if err := s.store.Close(); err != nil {
		all = errors.Join(all, fmt.Errorf("closing the store: %w", err))
	}
	return all
}

func (s *Server) listeners() []*listener.Listener {
	all := []*listener.Listener{s.d1, s.own}
	if s.admin != nil {
		all = append(all, s.admin)
	}
	return all
}

// abandon closes what New had opened.
func (s *Server) abandon() {
	for _, l := range []*listener.Listener{s.d1, s.own, s.admin} {
		if l != nil {
			_ = l.Close()
		}
	}
	if s.store != nil {
		_ = s.store.Close()
	}
}

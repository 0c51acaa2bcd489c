package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/metrics"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/directory"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/engine"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func startNotifySQLite(ctx context.Context, dir string) (server, error) {
	return startNotify(ctx, dir, func(log *slog.Logger, m *metrics.Metrics) (store.Store, error) {
		return engine.Open(ctx, "sqlite:"+filepath.Join(dir, "store.db"), log, m.Committed)
	})
}

// startNotifyPostgres runs the server of the database, too.
func startNotifyPostgres(ctx context.Context, dir string) (server, error) {
	database, err := pgtest.New(ctx, pgtest.Options{Settings: databaseSettings()})
	if err != nil {
		return server{}, err
	}
	url, err := database.CreateDatabase(ctx)
	if err != nil {
		return server{}, errors.Join(err, database.Close())
	}
	s, err := startNotify(ctx, dir, func(log *slog.Logger, m *metrics.Metrics) (store.Store, error) {
		return engine.Open(ctx, url, log, m.Committed)
	})
	if err != nil {
		return server{}, errors.Join(err, database.Close())
	}
	stop := s.stop
	s.stop = func() error { return errors.Join(stop(), database.Close()) }
	return s, nil
}

func startNotifyNull(ctx context.Context, dir string) (server, error) {
	return startNotify(ctx, dir, func(*slog.Logger, *metrics.Metrics) (store.Store, error) { return storetest.Null{}, nil })
}

// startNotify puts the two endpoints of D1 together as webhook-server/app does, but delivers nothing: what is measured is taking charge.
func startNotify(ctx context.Context, dir string, open func(*slog.Logger, *metrics.Metrics) (store.Store, error)) (server, error) {
	stateDir, err := writeNewDocuments(dir)
	if err != nil {
		return server{}, err
	}
	logger, err := newLogger()
	if err != nil {
		return server{}, err
	}
	state := serving.NewState(logger)
	if _, err := directory.New(stateDir, state, logger); err != nil {
		return server{}, err
	}
	counted := metrics.New(prometheus.NewRegistry())
	outbox, err := open(logger, counted)
	if err != nil {
		return server{}, err
	}
	s, err := listenAndServe(ctx, newD1Handler(state, outbox, counted, logger), outbox.Close)
	if err != nil {
		return server{}, errors.Join(err, outbox.Close())
	}
	return s, nil
}

// newD1Handler is the server's own composition of the endpoints.
func newD1Handler(state *serving.State, outbox store.Store, counted *metrics.Metrics, logger *slog.Logger) http.Handler {
	const retryAfter = 2 * time.Second
	peers := peer.New(peer.Options{Now: time.Now})
	slots := httpx.NewFair[share](1024)
	clients := clientauth.New(clientauth.Options{
		Snapshot: state.Snapshot, Ready: state.Synced, Now: time.Now, Logger: logger,
		Source:    func(r *http.Request) netip.Addr { return peer.SourceKey(peers.Source(r)) },
		Anonymous: httpx.NewFair[netip.Addr](64), AnonymousBodyTimeout: 3 * time.Second,
		Observer: metrics.Clients{Metrics: counted}, BodyTimeout: 10 * time.Second,
	})
	tokens := token.NewHandler(token.Options{Clients: clients, Logger: logger, Observer: metrics.Token{Metrics: counted}, RetryAfter: retryAfter})
	verifier := accesstoken.NewVerifier(8192, new(accesstoken.Revocations))
	notifications := notification.NewHandler(notification.Options{
		Snapshot: state.Snapshot, Ready: state.Synced,
		Verify: func(_ *http.Request, g *serving.Gateway, s *serving.Snapshot, raw string, now time.Time) (*serving.Client, error) {
			token, err := verifier.Verify(g, s, raw, now)
			if err != nil {
				return nil, err
			}
			return token.Client, token.Permits(api.NotifyScope)
		},
		Store: outbox, Wake: func(string) {}, Now: time.Now, Logger: logger,
		Observer: metrics.Notification{Metrics: counted}, Timeout: 8 * time.Second, RetryAfter: retryAfter,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		endpoint, gateway := http.Handler(tokens), ""
		if path, ok := notification.ParsePath(r.URL.EscapedPath()); ok {
			endpoint, gateway = notifications, path.GatewayID
		}
		slot, ok := slots.Acquire(share{peer.SourceKey(peers.Source(r)), gateway})
		if !ok {
			httpx.Unavailable(w, retryAfter)
			return
		}
		defer slot.Release()
		endpoint.ServeHTTP(w, r)
	})
}

// share names who shares the slots, as in webhook-server/app.
type share struct {
	source  netip.Addr
	gateway string
}

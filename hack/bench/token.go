package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/app"
)

// The two sides of the token figure.
const (
	tokenOurs  = "token-endpoint"
	tokenFloor = "token-floor"
)

func tokenFigure() figure {
	return figure{
		name:      "token-es256-vs-floor",
		about:     "access tokens (ES256) issued per CPU second by the whole server, against a bare handler that does only what must be done for one; HTTP/1.1, 64 connections",
		goal:      0.8,
		direction: atLeast,
		measure:   measureToken,
	}
}

func measureToken(ctx context.Context, s *session) (measurement, error) {
	ours, err := startChild(ctx, s, tokenOurs)
	if err != nil {
		return measurement{}, err
	}
	floor, err := startChild(ctx, s, tokenFloor)
	if err != nil {
		return measurement{}, err
	}
	c := comparison{
		ours: ours.loaded("token endpoint", load{requests: tokenRequests(ours.address), status: 200}, s.window),
		base: floor.loaded("bare handler", load{requests: tokenRequests(floor.address), status: 200}, s.window),
		rate: sample.perCPUSecond, unit: "per CPU second",
	}
	return c.measure(ctx, s.rounds, s.window)
}

// tokenRequests are the request that D1 sends, always the same.
func tokenRequests(address string) func(int) func() []byte {
	const form = "grant_type=client_credentials"
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s",
		tokenPath, address, basicAuthorization(), len(form), form)
	return func(int) func() []byte { return func() []byte { return request } }
}

// startTokenEndpoint starts the server as `webhook-server --state-dir --insecure-http` does.
func startTokenEndpoint(ctx context.Context, dir string) (server, error) {
	stateDir, err := writeNewDocuments(dir)
	if err != nil {
		return server{}, err
	}
	logger, err := newLogger()
	if err != nil {
		return server{}, err
	}
	s, err := app.New(ctx, app.Options{
		StateDir: stateDir, Store: "sqlite:" + filepath.Join(dir, "store.db"), InsecureHTTP: true,
		D1Address: "127.0.0.1:0", MetricsAddress: "127.0.0.1:0",
		MaxConcurrentRequests: 1024, MaxConnections: 4096,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, // the guesses say where they come from
		Retention:      7 * 24 * time.Hour, DeadRetention: 30 * 24 * time.Hour,
		Logger: logger, Now: time.Now,
	})
	if err != nil {
		return server{}, err
	}
	s.Start()
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return s.Stop(ctx)
	}
	return server{s.Addr().String(), stop}, nil
}

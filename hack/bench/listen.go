package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// stopTimeout bounds the end of a server.
const stopTimeout = 10 * time.Second

// newLogger is the server's logger at its default level. What it writes is formatted and written as it would be, but kept nowhere;
// warnings are printed too, so that they can be shown when measuring fails.
func newLogger() (*slog.Logger, error) {
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	all := api.MaskingHandler(slog.NewJSONHandler(nowhere, nil))
	warnings := api.MaskingHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return slog.New(slog.NewMultiHandler(all, warnings)), nil
}

// listenAndServe serves a handler on a port of loopback that the kernel chooses. Its deadlines are those of the real server. After the
// last request closers are called in order.
func listenAndServe(ctx context.Context, handler http.Handler, closers ...func() error) (server, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return server{}, err
	}
	h := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 75 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err := h.Shutdown(ctx)
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		for _, c := range closers {
			err = errors.Join(err, c())
		}
		return err
	}
	return server{l.Addr().String(), stop}, nil
}

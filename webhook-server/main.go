// Command webhook-server answers Thales D1: it issues access tokens, takes charge of notifications durably and delivers them to
// merchants. It is the companion of the d1gateway operator, and not a Kubernetes admission webhook.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/cli"
)

// stopTimeout is within the 30 s that Kubernetes allows by default.
const stopTimeout = 22 * time.Second

// Exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if cli.Handles(args) {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return cli.Run(ctx, args, cli.System())
	}
	options, err := parseFlags(args, os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "webhook-server: %v\n", err)
		return exitUsage
	}
	// net/http's client writes to the standard log what a destination has sent unasked; nothing that a destination says belongs into ours.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := app.New(ctx, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "webhook-server:", strings.ReplaceAll(err.Error(), "\n", ": "))
		return exitUsage // a file, a folder or an address that a flag names cannot be used
	}
	if err := serve(ctx, server); err != nil {
		options.Logger.Error("server ended", "error", err)
		return exitFailed
	}
	return 0
}

// serve runs until ctx ends or a listener fails, and then stops in order.
func serve(ctx context.Context, server *app.Server) error {
	server.Start()
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-server.Failed():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return errors.Join(failed, server.Stop(stopping))
}

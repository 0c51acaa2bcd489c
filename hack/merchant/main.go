// Command merchant is a small merchant backend: it takes the gateway's deliveries,
// verifies them, drops duplicates and counts. It can be told to fail, to watch retries.
//
//	merchant --listen 127.0.0.1:9000 --secret-file signing-secret.txt --verbose
//
// The secret file has one "whsec_" secret or "whpk_" public key a line; more than one while
// they are rotated.
// GET /stats answers with the counters.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
)

const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// shutdownTime bounds the wait for deliveries under way when the program is told to stop.
const shutdownTime = 5 * time.Second

type options struct {
	listen, certFile, keyFile string
	verbose                   bool
	backend                   merchant.Options
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == nil && o.verbose {
		o.backend.OnDelivery = logTo(slog.New(slog.NewTextHandler(stdout, nil)))
	}
	var backend *merchant.Backend
	if err == nil {
		backend, err = merchant.New(o.backend)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "merchant: %v (--help lists the flags)\n", err)
		return exitUsage
	}
	if err := serve(ctx, o, backend, stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "merchant: %v\n", err)
		return exitFailure
	}
	return exitOK
}

func parse(args []string, help io.Writer) (options, error) {
	var o options
	var secretFile string
	flags := flag.NewFlagSet("merchant", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // a wrong flag is worth one line, not the whole list
	flags.StringVar(&o.listen, "listen", "127.0.0.1:9000", "address to listen on; port 0 lets the system choose")
	flags.StringVar(&secretFile, "secret-file", "", "file with signing secrets or public keys, one a line (required)")
	flags.StringVar(&o.certFile, "tls-cert-file", "", "PEM file with the server certificate (default: plain HTTP)")
	flags.StringVar(&o.keyFile, "tls-key-file", "", "PEM file with the key of the server certificate")
	flags.IntVar(&o.backend.FailFirst, "fail-first", 0, "answer 503 to the first so many attempts of each event")
	flags.DurationVar(&o.backend.Delay, "delay", 0, "how long each delivery takes, such as 200ms")
	flags.BoolVar(&o.verbose, "verbose", false, "print a line for each delivery")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(help)
			flags.PrintDefaults()
		}
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if secretFile == "" {
		return options{}, errors.New("no --secret-file")
	}
	if (o.certFile == "") != (o.keyFile == "") {
		return options{}, errors.New("TLS needs both --tls-cert-file and --tls-key-file")
	}
	secrets, err := os.ReadFile(secretFile) // #nosec G304 -- the user names the file
	if err != nil {
		return options{}, fmt.Errorf("reading the signing secrets: %w", err)
	}
	o.backend.Secrets = strings.Fields(string(secrets))
	return o, nil
}

// serve prints the bound address once connections are accepted, and returns when ctx is done.
func serve(ctx context.Context, o options, backend http.Handler, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: backend, ReadHeaderTimeout: 10 * time.Second}
	scheme, start := "http", func() error { return server.Serve(listener) }
	if o.certFile != "" {
		scheme, start = "https", func() error { return server.ServeTLS(listener, o.certFile, o.keyFile) }
	}
	served := make(chan error, 1)
	go func() { served <- start() }()
	_, _ = fmt.Fprintf(stdout, "listening on %s://%s\n", scheme, listener.Addr())

	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return fmt.Errorf("shutting down: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// logTo leaves the subject out: it is a token id, which may look like a card number.
func logTo(logger *slog.Logger) func(merchant.Delivery) {
	return func(d merchant.Delivery) {
		attributes := []any{
			"outcome", d.Outcome, "path", d.Path, "id", d.Event.ID, "type", d.Event.Type,
			"source", d.Event.Source, "attempt", d.Attempt,
		}
		if d.Err != nil {
			attributes = append(attributes, "error", d.Err)
		}
		logger.Info("delivery", attributes...)
	}
}

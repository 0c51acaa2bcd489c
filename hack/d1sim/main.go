// Command d1sim plays Thales D1 against a gateway: it asks for an access token, announces
// token updates at a given rate, and checks every answer against the OpenAPI documents of
// the contract.
//
//	d1sim --base-url https://127.0.0.1:8443 --ca-file ca.pem \
//	  --client-id is_tbank01 --client-secret-file secret.txt \
//	  --gateway-id MGW_000001 --merchant-ids 40010000001 \
//	  --count 1000 --rate 100 --verbose
//
// It exits with 0 when every answer conformed and every call ended as expected, with 1 when
// not, and with 2 when a flag is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/sim"
)

const (
	exitClean    = 0
	exitFindings = 1
	exitUsage    = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	config, verbose, err := parse(args, getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitClean
	}
	if err != nil {
		return usage(stderr, err)
	}
	if verbose {
		config.OnCall = func(call sim.Call) { printCall(stdout, call) }
	}
	summary, err := sim.Run(ctx, config)
	if errors.Is(err, sim.ErrConfig) {
		return usage(stderr, err)
	}
	if err := summary.Print(stdout); err != nil {
		return exitFindings
	}
	if err != nil {
		// An interrupted run is judged by what it did until then.
		_, _ = fmt.Fprintf(stderr, "d1sim: ended early: %v\n", err)
	}
	if !summary.Clean() {
		return exitFindings
	}
	return exitClean
}

func usage(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintf(stderr, "d1sim: %v (--help lists the flags)\n", err)
	return exitUsage
}

func printCall(w io.Writer, call sim.Call) {
	_, _ = fmt.Fprintf(w, "%s %s %s %s", call.Method, call.Path, call.Result(), call.Latency.Round(10*time.Microsecond))
	if call.Attempt > 1 {
		_, _ = fmt.Fprintf(w, " attempt=%d", call.Attempt)
	}
	_, _ = fmt.Fprintf(w, " correlation-id=%s\n", call.CorrelationID)
	for _, violation := range call.Violations {
		_, _ = fmt.Fprintf(w, "  violation: %s\n", violation)
	}
}

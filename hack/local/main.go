// Command local runs all of d1gateway on this machine: a real API server, the operator, the server, a merchant backend, and Thales D1
// played by the simulator. `make run` starts it; Ctrl-C ends it and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	bin := flag.String("bin", "bin", "directory with the programs controllers and webhook-server")
	samples := flag.String("samples", "config/samples", "directory with the sample manifests")
	crds := flag.String("crds", "config/crd/bases", "directory with the CustomResourceDefinitions")
	d1 := flag.String("d1-address", "127.0.0.1:8443", "address that D1 calls; another port is taken when it is in use")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	run := Run{Bin: *bin, Samples: *samples, CRDs: *crds, D1Address: *d1, Out: os.Stdout}
	if err := run.Do(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "make run: %v\n", err)
		os.Exit(1) //nolint:gocritic // stop only resets signals, which the exit does too
	}
}

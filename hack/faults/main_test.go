// Package faults runs the server as a program of its own and does to it, and to what it depends on, what machines do: kills it at random moments, stops
// and hangs its database, fills its disk. What it has answered 204 must arrive all the same.
//
// "go test ./hack/faults" is short. "go test ./hack/faults -soak -timeout 2h" does the same for long.
package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/hack/buildtools"
)

var (
	soak    = flag.Bool("soak", false, "run for long: 200 kills of each engine, ten minutes of sustained load, leases that end by themselves")
	kills   = flag.Int("kills", 0, "how often a server of each engine is killed (default 6, with -soak 200)")
	sustain = flag.Duration("sustain", 0, "how long the sustained load lasts (default 5s, with -soak 10m)")
)

// program is the path of webhook-server.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	setDefaults()
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "webhook-server")
	code := 1
	if err = build(context.Background()); err == nil {
		code = m.Run()
	}
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func setDefaults() {
	manyKills, longLoad := 6, 5*time.Second
	if *soak {
		manyKills, longLoad = 200, 10*time.Minute
	}
	if *kills == 0 {
		*kills = manyKills
	}
	if *sustain == 0 {
		*sustain = longLoad
	}
}

// build compiles the server, as "make build" does.
func build(ctx context.Context) error {
	root, err := buildtools.Root()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", "-o", program, "./webhook-server")
	command.Dir, command.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building webhook-server: %w: %s", err, output)
	}
	return nil
}

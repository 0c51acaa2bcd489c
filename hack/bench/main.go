// Command bench measures the figures that the project promises, each against something simpler that does only the core of the same
// work, in the same run on the same machine. It ends with one line a figure and writes bench.json. A figure that misses its goal is
// not a failure of this program; what cannot be measured is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the program without its process. It is also each of its own children: see serveCommand.
func run(ctx context.Context, args []string, in io.Reader, out, problems io.Writer) int {
	if len(args) > 0 && args[0] == serveCommand {
		if err := serve(ctx, args[1:], in, out); err != nil {
			_, _ = fmt.Fprintf(problems, "%v\n", err)
			return exitFailed
		}
		return 0
	}
	o, err := parseFlags(args, problems)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintf(problems, "bench: %v\n", err)
		return exitUsage
	}
	if err := measureAll(ctx, o, out); err != nil {
		_, _ = fmt.Fprintf(problems, "bench: %v\n", err)
		return exitFailed
	}
	return 0
}

// options are what the flags say.
type options struct {
	figures []figure
	rounds  int
	window  time.Duration // of one round
	out     string        // the JSON file
	dir     string        // where the scratch directory is made
	profile string        // the directory for CPU profiles; empty makes none
	fleet   fleet         // of the figures about many clients
	waiting int           // for the dead destination of the figures about isolation
}

func parseFlags(args []string, problems io.Writer) (options, error) {
	o := options{figures: figures(), fleet: wholeFleet()}
	var only string
	var seconds float64
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.StringVar(&only, "only", "", "measure these figures alone, separated by commas: "+strings.Join(names(o.figures), ", "))
	flags.Float64Var(&seconds, "seconds", 1, "seconds that one round of one side lasts")
	flags.IntVar(&o.rounds, "rounds", 10, "rounds of each side; they take turns, and the medians are compared")
	flags.StringVar(&o.out, "out", "bench.json", "file for the figures with their details")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "directory on the disk to measure; a scratch directory is made there and removed")
	flags.StringVar(&o.profile, "profile", "", "directory for a CPU profile of each side (pprof); empty makes none")
	flags.IntVar(&o.fleet.clients, "clients", o.fleet.clients, "OAuthClients in the figures about many; with fewer they are not what their names say")
	flags.IntVar(&o.fleet.gateways, "gateways", o.fleet.gateways, "MerchantGateways that these clients are of; the steady state has ten times as many")
	flags.IntVar(&o.waiting, "waiting", isolationWaiting, "notifications that wait for a dead destination in the figures about isolation; with fewer they are not what they say")
	flags.DurationVar(&o.fleet.rest, "rest", o.fleet.rest, "how long the steady state is watched")
	err := flags.Parse(args)
	if err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rounds < 1 || o.rounds > 1000:
		return o, errors.New("-rounds must be from 1 to 1000")
	case o.fleet.clients < few || o.fleet.clients > sampleNumber/2 || o.fleet.gateways < 1 || o.fleet.gateways > 1000:
		return o, fmt.Errorf("-clients must be from %d to %d and -gateways from 1 to 1000", few, sampleNumber/2)
	case o.waiting < 1 || o.waiting > 10_000_000:
		return o, errors.New("-waiting must be from 1 to 10000000")
	case o.fleet.rest < time.Second || o.fleet.rest > 24*time.Hour:
		return o, errors.New("-rest must be from 1s to 24h")
	case math.IsNaN(seconds) || seconds < 0.01 || seconds > 3600:
		return o, errors.New("-seconds must be from 0.01 to 3600")
	}
	o.window = time.Duration(seconds * float64(time.Second))
	if only == "" {
		o.figures = slices.DeleteFunc(o.figures, func(f figure) bool { return f.onlyByName })
		return o, nil
	}
	o.figures, err = named(o.figures, strings.Split(only, ","))
	return o, err
}

// named answers the figures of these names, in their own order.
func named(all []figure, wanted []string) ([]figure, error) {
	for _, name := range wanted {
		if !slices.Contains(names(all), name) {
			return nil, fmt.Errorf("-only %q is not one of %s", name, strings.Join(names(all), ", "))
		}
	}
	return slices.DeleteFunc(all, func(f figure) bool { return !slices.Contains(wanted, f.name) }), nil
}

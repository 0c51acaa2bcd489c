// Package render is the command `controllers render`: it turns manifests into serving documents without a cluster, with the same functions
// as the operator. The webhook-server serves the directory it writes with --state-dir.
package render

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/d1gateway/d1gateway/controllers/schema"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// The exit statuses.
const (
	exitReady    = 0 // every resource is Ready
	exitNotReady = 1 // some resource is not, or something could not be read or written
	exitUsage    = 2 // the command line is wrong
)

// DefaultExternalURL is the base of URLs where neither a gateway's hostnames nor --external-url say one.
const DefaultExternalURL = "https://localhost:8443"

// options are the command line.
type options struct {
	input, output, externalURL string
}

// Run renders once and answers the exit status: 0 when every resource is Ready, 1 when one is not or something could not be read or written,
// 2 for a wrong command line. Conditions go to stdout, one line each; what is wrong with files goes to stderr. now is what the expiry of
// secrets and the rotation of keys go by: run the command again after the manifests change, and from time to time for rotations.
//
// What cannot be rendered leaves the last good document of its resource in place. Documents of resources that are gone are removed, unless
// some manifest could not be read: it may have held the resource. Input without any resource is an error, and changes nothing: it is a wrong
// path or a checkout that failed rather than the wish to delete every key.
func Run(args []string, stdout, stderr io.Writer, now time.Time) int {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitReady
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "controllers render:", err)
		return exitUsage
	}
	ready, err := render(context.Background(), o, stdout, stderr, now)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "controllers render:", err)
	}
	if err != nil || !ready {
		return exitNotReady
	}
	return exitReady
}

func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("controllers render", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("f", "manifest, or directory that is searched for *.yaml, *.yml and *.json: MerchantGateways, OAuthClients, Secrets", func(path string) error {
		if o.input != "" {
			return errors.New("it is given twice: several manifests go into one directory")
		}
		o.input = path
		return nil
	})
	flags.StringVar(&o.output, "o", "", "directory to write serving documents to; generated Secrets go to its directory secrets")
	flags.StringVar(&o.externalURL, "external-url", DefaultExternalURL, "base of the URLs of a gateway without hostnames")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprintln(stdout, "usage: controllers render -f MANIFESTS -o DIRECTORY [--external-url URL]")
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return o, err
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.input == "" || o.output == "":
		return o, errors.New("both -f and -o are needed")
	}
	if o.externalURL, err = translate.ParseExternalURL(o.externalURL); err != nil {
		return o, fmt.Errorf("--external-url: %w", err)
	}
	if _, err := os.Stat(o.input); err != nil {
		return o, fmt.Errorf("looking for manifests: %w", err)
	}
	return o, nil
}

// render says whether every resource is Ready.
func render(ctx context.Context, o options, stdout, stderr io.Writer, now time.Time) (bool, error) {
	validator, err := schema.New()
	if err != nil {
		return false, err
	}
	m := &manifests{validator: validator, stderr: stderr}
	if err := m.read(ctx, o.input, o.output); err != nil {
		return false, err
	}
	if m.empty() {
		return false, fmt.Errorf("-f %s: no MerchantGateway and no OAuthClient is in it, so nothing is changed; to serve nothing any more, remove the files in %s", o.input, o.output)
	}
	d, err := openDirectory(o.output)
	if err != nil {
		return false, err
	}
	w := &world{manifests: m, directory: d, externalURL: o.externalURL, now: now, generate: translate.NewGenerator(), stdout: stdout}
	ready, err := w.render()
	if err != nil {
		return false, err
	}
	if m.failed {
		return false, nil
	}
	return ready, w.removeGone()
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
	"github.com/d1gateway/d1gateway/hack/d1sim/sim"
)

// secretVariable is where the client secret may be instead of in a file. It is never a
// flag: the arguments of a process are visible to everyone on the machine.
const secretVariable = "D1SIM_CLIENT_SECRET" // #nosec G101 -- a name, not a secret

// files are the flags that name files, read once all flags are known.
type files struct {
	secret, ca, cert, key string
}

// parse turns arguments into a configuration. It answers flag.ErrHelp after it has
// written the list of flags to help.
func parse(args []string, getenv func(string) string, help io.Writer) (sim.Config, bool, error) {
	var config sim.Config
	var read files
	var verbose bool
	flags := flag.NewFlagSet("d1sim", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // a wrong flag is worth one line, not the whole list

	flags.StringVar(&config.BaseURL, "base-url", "", "scheme, host and port of the gateway (required)")
	flags.StringVar(&config.TokenPath, "token-path", "", "path of the token endpoint (default: /oauth2/token, for the issuer dialect /authz/d1/v1/oauth2/token)")
	flags.StringVar((*string)(&config.Dialect), "dialect", string(conform.Ecom), "document that describes the token endpoint: ecom or issuer")
	flags.StringVar(&config.ClientID, "client-id", "", "OAuth client id; without one no token is asked for")
	flags.StringVar(&read.secret, "client-secret-file", "", "file with the client secret (default: the environment variable "+secretVariable+")")
	flags.StringVar(&config.Scope, "scope", "", "scopes to ask for, space separated")
	flags.StringVar(&read.ca, "ca-file", "", "PEM file with the CA of the gateway (default: the system's)")
	flags.StringVar(&read.cert, "client-cert-file", "", "PEM file with the client certificate")
	flags.StringVar(&read.key, "client-key-file", "", "PEM file with the key of the client certificate")
	flags.StringVar(&config.GatewayID, "gateway-id", "", "merchant gateway id (required)")
	flags.Var((*list)(&config.MerchantIDs), "merchant-ids", "merchant ids, comma separated (required)")
	flags.Var((*list)(&config.TokenIDs), "token-ids", "token ids, comma separated")
	flags.StringVar(&config.TokenPrefix, "token-prefix", "tok_", "makes token ids when none are given: the prefix and a number")
	flags.Var((*list)(&config.UpdateTypes), "update-types", "update types to send in turn, comma separated (default: the documented ones)")
	flags.IntVar(&config.Count, "count", 0, "notifications to send (default: 1, or no limit with --duration)")
	flags.DurationVar(&config.Duration, "duration", 0, "how long to send, such as 30s (default: until --count)")
	flags.Float64Var(&config.Rate, "rate", 0, "notifications a second (default: as fast as --concurrency allows)")
	flags.IntVar(&config.Concurrency, "concurrency", 8, "notifications under way at once")
	flags.DurationVar(&config.Timeout, "timeout", 10*time.Second, "bound of one call")
	flags.IntVar(&config.MaxRetries, "max-retries", 5, "bound of the repetitions of a call after 503; negative for none")
	flags.DurationVar(&config.MaxRetryWait, "max-retry-wait", 30*time.Second, "bound of the wait before a repetition")
	flags.IntVar(&config.Expect, "expect", http.StatusNoContent, "status that each notification is to end with")
	flags.BoolVar(&verbose, "verbose", false, "print a line for each call")

	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(help)
			flags.PrintDefaults()
		}
		return sim.Config{}, false, err
	}
	if flags.NArg() > 0 {
		return sim.Config{}, false, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err := read.into(&config, getenv); err != nil {
		return sim.Config{}, false, err
	}
	return config, verbose, nil
}

func (f files) into(config *sim.Config, getenv func(string) string) error {
	var err error
	if config.TLS, err = sim.LoadTLS(f.ca, f.cert, f.key); err != nil {
		return err
	}
	if config.ClientID == "" {
		return nil
	}
	config.ClientSecret = getenv(secretVariable)
	if f.secret == "" {
		return nil
	}
	secret, err := os.ReadFile(f.secret)
	if err != nil {
		return fmt.Errorf("reading the client secret: %w", err)
	}
	// Editors and echo end a file with a newline; a secret does not hold one.
	config.ClientSecret = strings.TrimRight(string(secret), "\r\n")
	return nil
}

// list is a flag of comma separated values.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(text string) error {
	*l = nil
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return errors.New("an empty item")
		}
		*l = append(*l, item)
	}
	return nil
}

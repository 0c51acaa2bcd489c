package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/d1gateway/d1gateway/controllers/translate"
)

// options are the command line of the operator.
type options struct {
	kubeconfig             string
	systemNamespace        string
	externalURL            string
	watchNamespaces        []string
	metricsBindAddress     string
	healthProbeBindAddress string
	leaderElect            bool
	logLevel               slog.Level
}

// parseOptions reads the command line. flag.ErrHelp is returned after the usage was written to usage.
func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	var namespaces string
	_, inCluster := os.LookupEnv("KUBERNETES_SERVICE_HOST")

	flags := flag.NewFlagSet("controllers", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `file`; without it $KUBECONFIG, and without that the Pod's service account")
	flags.StringVar(&o.systemNamespace, "system-namespace", "d1gateway-system", "`namespace` of the serving documents and of the leader election lease; it must exist")
	flags.StringVar(&o.externalURL, "external-url", "https://localhost:8443", "base `URL` of gateways without hostnames, in their status and as the issuer of their access tokens")
	flags.StringVar(&namespaces, "watch-namespaces", "", "comma-separated `namespaces` whose resources are looked at; without it, all. That ids are unique is then checked within these namespaces only")
	flags.StringVar(&o.metricsBindAddress, "metrics-bind-address", "127.0.0.1:8080", "`address` of the metrics (/metrics); 0 turns them off")
	flags.StringVar(&o.healthProbeBindAddress, "health-probe-bind-address", "127.0.0.1:8081", "`address` of the probes (/healthz, /readyz); 0 turns them off")
	flags.BoolVar(&o.leaderElect, "leader-elect", inCluster, "let one of several operators at a time act; the default is true in a Pod")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "`level` from which lines are logged: debug, info, warn or error")

	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			writeUsage(flags, usage)
		}
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("argument %q is unknown; the only command is render", flags.Arg(0))
	}
	if namespaces != "" {
		o.watchNamespaces = strings.Split(namespaces, ",")
	}
	var err error
	if o.externalURL, err = translate.ParseExternalURL(o.externalURL); err != nil {
		return options{}, fmt.Errorf("--external-url: %w", err)
	}
	return o, o.validate()
}

func writeUsage(flags *flag.FlagSet, w io.Writer) {
	_, _ = fmt.Fprintln(w, "Usage: controllers [flags]         runs the operator\n       controllers render [flags]  writes serving documents without a cluster\n\nFlags:")
	flags.SetOutput(w)
	flags.PrintDefaults()
}

func (o options) validate() error {
	for _, namespace := range append([]string{o.systemNamespace}, o.watchNamespaces...) {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return fmt.Errorf("%q is not the name of a namespace", namespace)
		}
	}
	for name, address := range map[string]string{"--metrics-bind-address": o.metricsBindAddress, "--health-probe-bind-address": o.healthProbeBindAddress} {
		if address == "0" {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%s %q is not host:port, :port or 0", name, address)
		}
	}
	return nil
}

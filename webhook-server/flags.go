package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/cli"
	"github.com/d1gateway/d1gateway/webhook-server/replica"
)

// parseFlags answers the options, or one line that names the flag and the fix.
func parseFlags(args []string, out io.Writer) (app.Options, error) {
	o := app.Options{Now: time.Now}
	var kubeconfig, logLevel, adminAuthentication string
	flags := flag.NewFlagSet("webhook-server", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // a mistake is one line, not the list of all flags
	flags.Usage = func() {}

	flags.StringVar(&o.StateDir, "state-dir", "", "directory with serving documents, as 'controllers render' writes them; without it they are read from the cluster")
	flags.StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the cluster (default: $KUBECONFIG, else the Pod's service account)")
	flags.StringVar(&o.SystemNamespace, "system-namespace", "d1gateway-system", "namespace of the serving documents")
	flags.StringVar(&o.ReplicaName, "replica-name", "", "name under which this process reports to the operator, one of its own for each; the policies in config/rbac want the name of the Pod, so set it outside a cluster only (default: $POD_NAME, else the host name)")
	flags.StringVar(&o.StateCacheDir, "state-cache-dir", "", "directory for the last good copy of the cluster's serving documents, served when the API server does not answer at a start; it holds secrets, so nobody else may have access; without it no copy is kept")
	flags.StringVar(&o.Store, "store", "", "where notifications are kept: sqlite:PATH (one replica) or postgres://USER@HOST:PORT/DATABASE (several)")
	flags.StringVar(&o.StoreURLFile, "store-url-file", "", "file that holds the URL of the PostgreSQL store, in place of --store, since it may hold a password; read again for each connection")
	flags.StringVar(&o.D1Address, "d1-bind-address", ":8443", "address that Thales D1 calls")
	flags.StringVar(&o.MetricsAddress, "metrics-bind-address", ":9090", "address of /metrics, /healthz and /readyz")
	flags.StringVar(&o.AdminAddress, "admin-bind-address", "127.0.0.1:9091", "address of the administration API; empty turns it off")
	flags.StringVar(&adminAuthentication, "admin-authentication", "token", "who may use the administration API: token (that of --admin-token-file) or kubernetes (TokenReview and SubjectAccessReview)")
	flags.StringVar(&o.AdminTokenFile, "admin-token-file", "", "file with the bearer token of the administration API; needed when its address is not a loopback one")
	flags.Func("admin-audience", "audience that callers' Kubernetes tokens must be for; repeatable (default: the API server's own)", func(value string) error {
		o.AdminAudiences = append(o.AdminAudiences, value)
		return nil
	})
	flags.StringVar(&o.TLSCertFile, "tls-cert-file", "", "certificate chain of the D1 address in PEM; read again when it changes")
	flags.StringVar(&o.TLSPrivateKeyFile, "tls-private-key-file", "", "private key of the certificate in PEM")
	flags.BoolVar(&o.InsecureHTTP, "insecure-http", false, "serve the D1 address in plain http")
	flags.Func("trusted-proxy-cidr", "addresses of proxies in front of the D1 address, whose X-Forwarded-For is believed; repeatable", addPrefix(&o.TrustedProxies))
	flags.StringVar(&o.ClientCertificateHeader, "client-certificate-header", "", "header in which those proxies pass on D1's client certificate: Client-Cert (RFC 9440), X-Forwarded-Client-Cert (Envoy), or another one that holds URL-encoded PEM (nginx, AWS)")
	flags.Func("delivery-allow-cidr", "address range that deliveries may go to beside the public Internet, also in plain http; repeatable", addPrefix(&o.DeliveryAllow))
	flags.Func("egress-proxy", "HTTP proxy through which deliveries and look-ups go: http://HOST:PORT or https://HOST:PORT", proxyURL(&o.EgressProxy))
	flags.StringVar(&o.EgressProxyAuthorizationFile, "egress-proxy-authorization-file", "", "file with the value of the Proxy-Authorization header for it; read again when it changes")
	flags.IntVar(&o.MaxConcurrentRequests, "max-concurrent-requests", 1024, "requests of D1 under way at once; more are answered 503")
	flags.IntVar(&o.MaxConnections, "max-connections", 4096, "connections of D1 at once; then the one that was idle longest makes room")
	flags.IntVar(&o.MaxConnectionsPerSource, "max-connections-per-source", 0, "connections of one address at once, trusted proxies aside; 0 bounds them by their share only")
	flags.DurationVar(&o.Retention, "retention", 7*24*time.Hour, "how long delivered notifications are kept")
	flags.DurationVar(&o.DeadRetention, "dead-letter-retention", 30*24*time.Hour, "how long dead letters are kept")
	flags.IntVar(&o.RetentionMax, "retention-max", 0, "how many delivered notifications are kept at most; 0 is no bound")
	flags.IntVar(&o.DeadRetentionMax, "dead-letter-retention-max", 0, "how many dead letters are kept at most; 0 is no bound")
	flags.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")

	if len(args) == 1 && args[0] == "help" {
		args = []string{"--help"}
	}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprint(out, "webhook-server answers Thales D1. It is not a Kubernetes admission webhook.\n\n")
		cli.Help(out)
		_, _ = fmt.Fprint(out, "\nWithout a command it is the server, with these flags:\n")
		flags.SetOutput(out)
		flags.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: flags begin with --, and --help names the commands", flags.Arg(0))
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(logLevel)); err != nil {
		return o, errors.New("--log-level must be debug, info, warn or error")
	}
	o.Logger = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	switch adminAuthentication {
	case "token":
	case "kubernetes":
		o.AdminKubernetes = true
	default:
		return o, errors.New("--admin-authentication must be token or kubernetes")
	}
	if o.StateDir != "" && kubeconfig != "" {
		return o, errors.New("--state-dir and --kubeconfig are two places to read serving documents from: give one")
	}
	if o.ReplicaName == "" {
		o.ReplicaName = replicaName()
	}
	if o.StateDir == "" {
		if o.Cluster, err = clusterConfig(kubeconfig); err != nil {
			return o, err
		}
	}
	return o, o.Check()
}

// replicaName is the name of the Pod, else one made from the host's; empty when there is neither.
func replicaName() string {
	if pod := os.Getenv("POD_NAME"); pod != "" {
		return pod
	}
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return replica.NameOfHost(host)
}

// addPrefix appends the value of a repeatable flag.
func addPrefix(to *[]netip.Prefix) func(string) error {
	return func(value string) error {
		prefix, err := netip.ParsePrefix(value)
		if err != nil {
			return errors.New("want an address range such as 10.20.0.0/16")
		}
		*to = append(*to, prefix)
		return nil
	}
}

// proxyURL takes the value of a proxy's flag. Credentials in it would show in the list of processes.
func proxyURL(to **url.URL) func(string) error {
	return func(value string) error {
		u, err := url.Parse(value)
		switch {
		case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
			return errors.New("want a URL such as http://proxy.example:3128")
		case u.User != nil:
			return errors.New("it must hold no credentials: give them by --egress-proxy-authorization-file")
		}
		*to = u
		return nil
	}
}

// clusterConfig is the given file, else what $KUBECONFIG names, else the Pod's service account.
func clusterConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" && os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("give --state-dir, or --kubeconfig, or set $KUBECONFIG: this is not a Pod (%w)", err)
		}
		return config, nil
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return config, nil
}

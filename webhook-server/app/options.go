// Package app puts the server together: listeners, routes, health, and a start and a stop that lose no request.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"k8s.io/client-go/rest"

	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/replica"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/engine"
)

// Options is everything the server is told.
type Options struct {
	// StateDir is a directory with serving documents; empty reads them from the cluster.
	StateDir string
	// Cluster and SystemNamespace say where the documents are when StateDir is empty.
	Cluster         *rest.Config
	SystemNamespace string
	// StateCacheDir is a directory of the server's own, mode 0700, for the last good copy of the cluster's documents: it is served when the API
	// server does not answer at a start. It holds secrets. Empty keeps no copy.
	StateCacheDir string
	// StateCachePatience is how long the API server has before the copy is served; 0 is cluster.Patience.
	StateCachePatience time.Duration
	// ReplicaName is the name under which this process reports to the operator, one of its own for each; not used with StateDir.
	ReplicaName string
	// Store is the URL of the durable store. StoreURLFile is a file that holds it instead, for one with a password.
	Store, StoreURLFile string

	// D1Address is where D1 calls: TLS, unless InsecureHTTP.
	D1Address string
	// MetricsAddress answers /metrics, /healthz and /readyz in plain http.
	MetricsAddress string
	// AdminAddress answers the administration API in plain http. It is not started when empty.
	AdminAddress string
	// AdminTokenFile holds the bearer token of the administration API. Without one and without AdminKubernetes AdminAddress must be a loopback address.
	AdminTokenFile string
	// AdminKubernetes has the cluster authenticate and authorize the callers of the administration API (TokenReview, SubjectAccessReview). AdminAudiences are those that a
	// token must be for; none means the API server's own.
	AdminKubernetes bool
	AdminAudiences  []string

	TLSCertFile, TLSPrivateKeyFile string
	// InsecureHTTP serves D1Address in plain http, for a trial or behind a proxy that terminates TLS.
	InsecureHTTP bool

	// TrustedProxies are the addresses of proxies in front of D1Address: what they say of a request's source (X-Forwarded-For) is believed.
	TrustedProxies []netip.Prefix
	// ClientCertificateHeader is the header in which they pass on D1's client certificate; empty means that they do not. From any other
	// address it means nothing. See peer.Options for the formats.
	ClientCertificateHeader string

	// DeliveryAllow are address ranges that deliveries may go to beside the public Internet, and the only ones they go to in plain http.
	DeliveryAllow []netip.Prefix
	// EgressProxy is the HTTP proxy through which deliveries, look-ups and token requests go; nil sends them directly. EgressProxyAuthorizationFile holds the value of the
	// Proxy-Authorization header; empty sends none.
	EgressProxy                  *url.URL
	EgressProxyAuthorizationFile string
	// MaxConcurrentRequests bounds D1's requests under way; more are answered 503 at once.
	MaxConcurrentRequests int
	// MaxConnections bounds D1's connections. Each source has a share of them; MaxConnectionsPerSource bounds those of one address that is
	// no trusted proxy's further, unless it is 0.
	MaxConnections, MaxConnectionsPerSource int
	// Retention is how long delivered notifications are kept to be looked up; DeadRetention the same for dead letters.
	Retention, DeadRetention time.Duration
	// RetentionMax is how many delivered notifications are kept at most, DeadRetentionMax the same for dead letters; 0 means any number.
	RetentionMax, DeadRetentionMax int

	Logger *slog.Logger
	Now    func() time.Time
}

// Check answers the first mistake in the options, named by its flag.
func (o Options) Check() error {
	withTLS := o.TLSCertFile != "" || o.TLSPrivateKeyFile != ""
	switch {
	case o.InsecureHTTP && withTLS:
		return errors.New("--insecure-http goes without --tls-cert-file and --tls-private-key-file")
	case !o.InsecureHTTP && (o.TLSCertFile == "" || o.TLSPrivateKeyFile == ""):
		return errors.New("--tls-cert-file and --tls-private-key-file are both needed (or --insecure-http, to serve D1 in plain http)")
	case o.Store == "" && o.StoreURLFile == "":
		return errors.New("--store is needed, for example --store sqlite:/var/lib/d1gateway/store.db (or --store-url-file)")
	case o.Store != "" && o.StoreURLFile != "":
		return errors.New("--store and --store-url-file are two places for the store's URL: give one")
	case o.StateDir != "" && o.StateCacheDir != "":
		return errors.New("--state-cache-dir copies the documents of a cluster: it does not go with --state-dir")
	case o.StateDir == "" && o.Cluster == nil:
		return errors.New("--state-dir is needed outside a cluster (or --kubeconfig)")
	case o.MaxConcurrentRequests < 1:
		return errors.New("--max-concurrent-requests must be at least 1")
	case o.MaxConnections < 1:
		return errors.New("--max-connections must be at least 1")
	case o.MaxConnectionsPerSource < 0:
		return errors.New("--max-connections-per-source must be at least 1, or 0 for no bound of its own")
	case o.ClientCertificateHeader != "" && len(o.TrustedProxies) == 0:
		return errors.New("--client-certificate-header needs --trusted-proxy-cidr: without it nobody's header would be believed")
	case o.Retention <= 0 || o.DeadRetention <= 0:
		return errors.New("--retention and --dead-letter-retention must be more than 0")
	case o.RetentionMax < 0 || o.DeadRetentionMax < 0:
		return errors.New("--retention-max and --dead-letter-retention-max must be 0, for no bound, or more")
	case o.EgressProxyAuthorizationFile != "" && o.EgressProxy == nil:
		return errors.New("--egress-proxy-authorization-file needs --egress-proxy")
	case o.AdminKubernetes && o.Cluster == nil:
		return errors.New("--admin-authentication kubernetes needs a cluster: --kubeconfig, or to run in a Pod")
	case o.AdminKubernetes && o.AdminTokenFile != "":
		return errors.New("--admin-token-file goes with --admin-authentication token only")
	case len(o.AdminAudiences) > 0 && !o.AdminKubernetes:
		return errors.New("--admin-audience goes with --admin-authentication kubernetes only")
	}
	if o.StateDir == "" {
		if err := replica.CheckName(o.ReplicaName); err != nil {
			return fmt.Errorf("--replica-name: %w", err)
		}
	}
	if err := o.peers().Validate(); err != nil {
		return fmt.Errorf("--client-certificate-header: %w", err)
	}
	for _, p := range o.TrustedProxies {
		if p.Bits() == 0 && o.ClientCertificateHeader != "" {
			return fmt.Errorf("--trusted-proxy-cidr %s with --client-certificate-header would let anybody claim any certificate: name the proxy's addresses", p)
		}
	}
	for flag, address := range map[string]string{"--d1-bind-address": o.D1Address, "--metrics-bind-address": o.MetricsAddress, "--admin-bind-address": o.AdminAddress} {
		if _, _, err := net.SplitHostPort(address); err != nil && (address != "" || flag != "--admin-bind-address") {
			return fmt.Errorf("%s %q is not host:port, for example 127.0.0.1:8443 or :8443", flag, address)
		}
	}
	if o.AdminAddress != "" && o.AdminTokenFile == "" && !o.AdminKubernetes && !isLoopback(o.AdminAddress) {
		return errors.New("--admin-bind-address on other than a loopback address needs --admin-token-file or --admin-authentication kubernetes: whoever reaches it could read and replay every notification")
	}
	return nil
}

func (o Options) openStore(ctx context.Context, committed func(store.Commit)) (store.Store, error) {
	if o.StoreURLFile != "" {
		return engine.OpenPostgresFile(ctx, o.StoreURLFile, o.Logger, committed)
	}
	return engine.Open(ctx, o.Store, o.Logger, committed)
}

func (o Options) peers() peer.Options {
	return peer.Options{TrustedProxies: o.TrustedProxies, Header: o.ClientCertificateHeader, Now: o.Now}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

package system

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/operator"
	"github.com/d1gateway/d1gateway/controllers/translate"
	"github.com/d1gateway/d1gateway/webhook-server/app"
)

// system is an operator and its servers, with namespaces of their own.
type system struct {
	system, tenant string
	store          string // its URL, the same for all servers
	clock          *clock
	servers        []*app.Server
	stopped        map[*app.Server]bool
}

// newSystem starts an operator and as many servers, until the test ends.
func newSystem(t *testing.T, servers int) *system {
	t.Helper()
	s := &system{system: namespace(t, "system"), tenant: namespace(t, "tenant"), store: database.Database(t), clock: &clock{}, stopped: map[*app.Server]bool{}}
	s.startOperator(t)
	for i := range servers {
		s.servers = append(s.servers, s.startServer(t, fmt.Sprintf("webhook-server-%d", i)))
	}
	return s
}

func namespace(t *testing.T, prefix string) string {
	t.Helper()
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-"}}
	if err := control.client.Create(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return n.Name
}

func (s *system) startOperator(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	m, err := operator.New(ctx, control.config, operator.Options{
		SystemNamespace: s.system, WatchNamespaces: []string{s.tenant}, ExternalURL: "https://d1.test.example",
		MetricsBindAddress: "0", HealthProbeBindAddress: "0", AllowSeveral: true,
		Logger: discard(), Registerer: prometheus.NewRegistry(), Now: s.clock.Now, Generate: translate.NewGenerator(),
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the operator ended with: %v", err)
		}
	})
}

func (s *system) options(name string) app.Options {
	return app.Options{
		Cluster: rest.CopyConfig(control.config), SystemNamespace: s.system, ReplicaName: name, Store: s.store,
		D1Address: "127.0.0.1:0", MetricsAddress: "127.0.0.1:0", InsecureHTTP: true,
		MaxConcurrentRequests: 1024, MaxConnections: 4096, Retention: time.Hour, DeadRetention: time.Hour,
		Logger: discard(), Now: s.clock.Now,
	}
}

// startServer starts a server, which the test may stop; it is stopped at its end.
func (s *system) startServer(t *testing.T, name string) *app.Server {
	t.Helper()
	server, err := app.New(t.Context(), s.options(name))
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(func() { s.stop(t, server, name) })
	awaitReadiness(t, server)
	return server
}

func (s *system) stop(t *testing.T, server *app.Server, name string) {
	t.Helper()
	if s.stopped[server] {
		return
	}
	s.stopped[server] = true
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Stop(ctx); err != nil {
		t.Errorf("stopping %s: %v", name, err)
	}
}

// awaitReadiness waits until the server calls itself ready.
func awaitReadiness(t *testing.T, server *app.Server) {
	t.Helper()
	eventually(t, func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.MetricsAddr().String()+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(response.Body)
			return fmt.Errorf("readiness is %d: %s", response.StatusCode, text)
		}
		return nil
	})
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	var last error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if last = check(); last == nil {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal(last)
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatal(last)
}

func (s *system) gateway(name, id string) *v1alpha1.MerchantGateway {
	return &v1alpha1.MerchantGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.tenant, Name: name},
		Spec: v1alpha1.MerchantGatewaySpec{
			GatewayID: id,
			Merchants: v1alpha1.Merchants{Items: []v1alpha1.Merchant{{ID: "40010000001"}}},
			Delivery:  v1alpha1.Delivery{URL: "https://vault.acme.example/d1/notifications"},
		},
	}
}

func (s *system) oauthClient(name, gateway string) *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.tenant, Name: name},
		Spec: v1alpha1.OAuthClientSpec{
			GatewayRef:  v1alpha1.GatewayReference{Name: gateway},
			Credentials: v1alpha1.ClientCredentials{SecretName: name + "-credentials"},
		},
	}
}

func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := control.client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// clock is the real one, moved forward at will.
type clock struct {
	mu    sync.Mutex
	moved time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.moved)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}

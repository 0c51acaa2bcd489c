package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
	"github.com/d1gateway/d1gateway/hack/d1sim/sim"
	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func TestATokenIsIssuedANotificationAcceptedAndDelivered(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil)
	c := w.Client()
	if a := c.Do(running.N0(w.Token(c))); a.Status != http.StatusNoContent || a.Body != "" {
		t.Fatalf("answer %s", a)
	}
	if d := w.Delivered(); d.Outcome != merchant.Accepted || !strings.Contains(string(d.Body), `"tokenId":"tok_1"`) {
		t.Errorf("delivery %+v", d)
	}
}

func TestBothDialectsConformToTheirDocuments(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil)
	for dialect, path := range map[conform.Dialect]string{conform.Ecom: fixture.TokenPath, conform.Issuer: fixture.IssuerTokenPath} {
		summary, err := sim.Run(t.Context(), sim.Config{
			BaseURL: w.URL(), TokenPath: path, Dialect: dialect, ClientID: fixture.ClientID, ClientSecret: fixture.ClientSecret,
			GatewayID: fixture.GatewayID, MerchantIDs: []string{fixture.MerchantID}, Count: 20,
		})
		if err != nil || !summary.Clean() {
			t.Errorf("%s: %v %+v", dialect, err, summary)
		}
	}
}

func TestAStateChangeIsServedWithoutARestart(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil)
	c := w.Client()
	token := w.Token(c)
	w.Documents.Client.Suspended = true
	w.Publish()
	if a := c.Do(running.T0()); a.Status != http.StatusUnauthorized {
		t.Errorf("the suspended client is answered %s", a)
	}
	if a := c.Do(running.N0(token)); a.Status != http.StatusUnauthorized {
		t.Errorf("its live token is answered %s", a)
	}
}

func TestADocumentThatIsKeptOutIsToldByReadinessAndMetrics(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil)
	client := w.Documents.Client
	if err := os.WriteFile(w.Path(client), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Eventually("readiness does not tell", func() bool {
		status, page := w.Get(w.MetricsURL("/readyz?verbose"))
		return status == http.StatusOK && strings.Contains(page, client.ObjectName())
	})
	if n := w.Metric("d1gateway_serving_documents_refused"); n != "1" {
		t.Errorf("the metric tells %q", n)
	}
	if a := w.Client().Do(running.T0()); a.Status != http.StatusOK {
		t.Errorf("the last good document does not serve on: %s", a)
	}
}

func TestWhatWasAcceptedIsDeliveredAfterARestart(t *testing.T) {
	t.Parallel()
	w := running.Start(t, func(w *running.World) { w.Documents.Gateway.Delivery.URL = "http://127.0.0.1:9/nobody-listens" })
	c := w.Client()
	if a := c.Do(running.N0(w.Token(c))); a.Status != http.StatusNoContent {
		t.Fatalf("answer %s", a)
	}
	waiting := func() string {
		_, body := w.Get(w.AdminURL("/v1/notifications?state=Waiting"))
		return body
	}
	w.Eventually("the failed attempt is not to be seen", func() bool { return strings.Contains(waiting(), `"lastReason":"connection_refused"`) })
	w.Stop()

	w.Documents.Gateway.Delivery.URL = w.Backend.URL
	w.Write()
	w.Run()
	if d := w.Delivered(); d.Outcome != merchant.Accepted {
		t.Errorf("delivery %+v", d)
	}
	w.Eventually("it still waits", func() bool { return strings.Contains(waiting(), `"items":[]`) })
}

func TestAMistakeInTheOptionsNamesItsFlag(t *testing.T) {
	t.Parallel()
	valid := func() app.Options {
		return app.Options{
			StateDir: t.TempDir(), Store: "sqlite:" + filepath.Join(t.TempDir(), "s.db"), InsecureHTTP: true,
			D1Address: "127.0.0.1:0", MetricsAddress: "127.0.0.1:0", MaxConcurrentRequests: 1, MaxConnections: 1, MaxConnectionsPerSource: 1, Retention: 1, DeadRetention: 1,
		}
	}
	if o := valid(); o.Check() != nil {
		t.Fatalf("valid options are refused: %v", o.Check())
	}
	for flag, change := range map[string]func(*app.Options){
		"--tls-cert-file":           func(o *app.Options) { o.InsecureHTTP = false },
		"--insecure-http":           func(o *app.Options) { o.TLSCertFile = "x" },
		"--store":                   func(o *app.Options) { o.Store = "" },
		"--state-cache-dir":         func(o *app.Options) { o.StateCacheDir = t.TempDir() },
		"--state-dir":               func(o *app.Options) { o.StateDir = "" },
		"--d1-bind-address":         func(o *app.Options) { o.D1Address = "8443" },
		"--metrics-bind-address":    func(o *app.Options) { o.MetricsAddress = "" },
		"--admin-bind-address":      func(o *app.Options) { o.AdminAddress = ":9091" },
		"--max-concurrent-requests": func(o *app.Options) { o.MaxConcurrentRequests = 0 },
		"--max-connections":         func(o *app.Options) { o.MaxConnections = 0 },
		"--retention":               func(o *app.Options) { o.Retention = 0 },
	} {
		o := valid()
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

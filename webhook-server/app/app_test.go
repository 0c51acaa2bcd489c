package app_test

import (
	"encoding/json"
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
)

func accessToken(t *testing.T, a answer) string {
	t.Helper()
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != http.StatusOK || body.AccessToken == "" {
		t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return body.AccessToken
}

func TestATokenIsIssuedANotificationAcceptedAndDelivered(t *testing.T) {
	w := start(t, nil)
	token := accessToken(t, t0(t, http.DefaultClient, w.url()))
	if a := n0(t, http.DefaultClient, w.url(), token); a.status != http.StatusNoContent || a.body != "" {
		t.Fatalf("answer %+v", a)
	}
	if d := w.delivered(); d.Outcome != merchant.Accepted || !strings.Contains(string(d.Body), `"tokenId":"tok_1"`) {
		t.Errorf("delivery %+v", d)
	}
}

func TestBothDialectsConformToTheirDocuments(t *testing.T) {
	w := start(t, nil)
	for dialect, path := range map[conform.Dialect]string{conform.Ecom: fixture.TokenPath, conform.Issuer: fixture.IssuerTokenPath} {
		summary, err := sim.Run(t.Context(), sim.Config{
			BaseURL: w.url(), TokenPath: path, Dialect: dialect, ClientID: fixture.ClientID, ClientSecret: fixture.ClientSecret,
			GatewayID: fixture.GatewayID, MerchantIDs: []string{fixture.MerchantID}, Count: 20,
		})
		if err != nil || !summary.Clean() {
			t.Errorf("%s: %v %+v", dialect, err, summary)
		}
	}
}

func TestAnyOtherPathIsNotFoundAndNeverARedirect(t *testing.T) {
	w := start(t, nil)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{
		"/", "", "//oauth2/token", "/oauth2/token/", "/oauth2//token", "/x/../oauth2/token", "/./oauth2/token", "/oauth2%2Ftoken", "/OAUTH2/token",
		"/merchant-gateways", "/merchant-gateways/MGW_000001/merchants/40010000001/tokens/tok_1", fixture.NotifyPath + "/", "/" + fixture.NotifyPath,
		"/metrics", "/healthz", "/.well-known/x",
	} {
		a := do(t, client, http.MethodPost, w.url()+path, "", nil)
		if a.status != http.StatusNotFound || a.body != "" || a.header.Get("Server") != "" || a.header.Get("Location") != "" {
			t.Errorf("%q is answered %+v", path, a)
		}
	}
}

func TestAStateChangeIsServedWithoutARestart(t *testing.T) {
	w := start(t, nil)
	token := accessToken(t, t0(t, http.DefaultClient, w.url()))
	w.Client.Suspended = true
	w.write()
	eventually(t, "the suspended client still gets tokens", func() bool {
		return t0(t, http.DefaultClient, w.url()).status == http.StatusUnauthorized
	})
	if a := n0(t, http.DefaultClient, w.url(), token); a.status != http.StatusUnauthorized {
		t.Errorf("its live token is answered %d", a.status)
	}
}

func TestADocumentThatIsKeptOutIsToldByReadinessAndMetrics(t *testing.T) {
	w := start(t, nil)
	if err := os.WriteFile(filepath.Join(w.dir, w.Client.ObjectName()+".json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "readiness does not tell", func() bool {
		a := do(t, http.DefaultClient, http.MethodGet, w.metricsURL("/readyz?verbose"), "", nil)
		return a.status == http.StatusOK && strings.Contains(a.body, w.Client.ObjectName())
	})
	if a := do(t, http.DefaultClient, http.MethodGet, w.metricsURL("/metrics"), "", nil); !strings.Contains(a.body, "d1gateway_serving_documents_refused 1") {
		t.Error("no metric tells")
	}
	if a := t0(t, http.DefaultClient, w.url()); a.status != http.StatusOK {
		t.Errorf("the last good document does not serve on: %d", a.status)
	}
}

func TestWhatWasAcceptedIsDeliveredAfterARestart(t *testing.T) {
	w := start(t, func(w *world) { w.Gateway.Delivery.URL = "http://127.0.0.1:9/nobody-listens" })
	token := accessToken(t, t0(t, http.DefaultClient, w.url()))
	if a := n0(t, http.DefaultClient, w.url(), token); a.status != http.StatusNoContent {
		t.Fatalf("answer %+v", a)
	}
	admin := func() answer {
		return do(t, http.DefaultClient, http.MethodGet, "http://"+w.server.AdminAddr().String()+"/v1/notifications?state=Waiting", "", nil)
	}
	eventually(t, "the failed attempt is not to be seen", func() bool { return strings.Contains(admin().body, `"lastReason":"connection_refused"`) })
	w.stop()

	w.Gateway.Delivery.URL = w.backendURL
	w.write()
	w.run()
	if d := w.delivered(); d.Outcome != merchant.Accepted {
		t.Errorf("delivery %+v", d)
	}
	eventually(t, "it still waits", func() bool { return strings.Contains(admin().body, `"items":[]`) })
}

func TestAMistakeInTheOptionsNamesItsFlag(t *testing.T) {
	valid := func() app.Options {
		w := &world{World: fixture.New(t), t: t, dir: t.TempDir()}
		return app.Options{
			StateDir: w.dir, Store: "sqlite:" + filepath.Join(w.dir, "s.db"), InsecureHTTP: true,
			D1Address: "127.0.0.1:0", MetricsAddress: "127.0.0.1:0", MaxConcurrentRequests: 1, MaxConnections: 1, Retention: 1, DeadRetention: 1,
		}
	}
	if o := valid(); o.Check() != nil {
		t.Fatalf("valid options are refused: %v", o.Check())
	}
	for flag, change := range map[string]func(*app.Options){
		"--tls-cert-file":           func(o *app.Options) { o.InsecureHTTP = false },
		"--insecure-http":           func(o *app.Options) { o.TLSCertFile = "x" },
		"--store":                   func(o *app.Options) { o.Store = "" },
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

package cluster_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// publish writes the base documents as the operator does, and answers the versions that it wrote last.
func publish(t *testing.T) (configMaps, secrets string) {
	t.Helper()
	client, err := kubernetes.NewForConfig(control.admin)
	if err != nil {
		t.Fatal(err)
	}
	w := fixture.New(t)
	w.Client.TokensNotBefore = time.Time{}
	for _, d := range []api.Document{w.Secrets, w.Gateway, w.Client} {
		data, err := api.Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		meta := metav1.ObjectMeta{Namespace: system, Name: d.Head().ObjectName(), Labels: map[string]string{api.LabelDocument: string(d.Head().Kind)}}
		if d.Head().Kind == api.KindGateway {
			o, err := client.CoreV1().ConfigMaps(system).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{api.DataKey: string(data)}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			configMaps = o.ResourceVersion
			t.Cleanup(func() {
				_ = client.CoreV1().ConfigMaps(system).Delete(context.Background(), meta.Name, metav1.DeleteOptions{})
			})
			continue
		}
		o, err := client.CoreV1().Secrets(system).Create(t.Context(), &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{api.DataKey: data}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		secrets = o.ResourceVersion
		t.Cleanup(func() {
			_ = client.CoreV1().Secrets(system).Delete(context.Background(), meta.Name, metav1.DeleteOptions{})
		})
	}
	return configMaps, secrets
}

// serve runs a whole server. stop ends it; a second call does nothing.
func serve(t *testing.T, config *rest.Config, name string) (server *app.Server, stop func()) {
	t.Helper()
	o := running.Options("", filepath.Join(t.TempDir(), "store.db"), slog.DiscardHandler)
	o.Cluster, o.SystemNamespace, o.ReplicaName = config, system, name
	server, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Errorf("stopping: %v", err)
		}
	}
	t.Cleanup(stop)
	return server, stop
}

// token asks for an access token and answers the status.
func token(t *testing.T, server *app.Server) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+server.Addr().String()+fixture.TokenPath, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", fixture.Basic)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _ := do(t, r)
	return status
}

func get(t *testing.T, server *app.Server, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.MetricsAddr().String()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// eventually asks until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatal(what)
		case <-tick.C:
		}
	}
}

// reaches compares two resourceVersions.
func reaches(t *testing.T, have, want string) bool {
	t.Helper()
	order, err := resourceversion.CompareResourceVersion(have, want)
	if err != nil {
		t.Fatal(err)
	}
	return order >= 0
}

func TestAServerTellsWhatItServesAndWhatWasUsed(t *testing.T) {
	configMaps, secrets := publish(t)
	server, stop := serve(t, control.server, "whole")
	reader := newProcess(t, "whole")
	eventually(t, "it is not ready", func() bool { status, _ := get(t, server, "/readyz"); return status == http.StatusOK })
	all := reader.mine()
	if len(all) != 1 || lease(t, "whole") == nil {
		t.Fatalf("it is ready with %d reports, lease %v", len(all), lease(t, "whole"))
	}
	if d := all[0].Documents; !reaches(t, d.ConfigMapsVersion, configMaps) || !reaches(t, d.SecretsVersion, secrets) || *d.Served != 3 || *d.RefusedCount != 0 {
		t.Errorf("told %+v, written versions %s and %s", d, configMaps, secrets)
	}
	if status := token(t, server); status != http.StatusOK {
		t.Fatalf("no token: %d", status)
	}
	var uses []v1alpha1.CredentialUse
	eventually(t, "the uses are not told", func() bool { uses = reader.mine()[0].Uses; return len(uses) == 2 })
	if uses[0].Document != "client.payments.acme-d1" || uses[0].ID != "first" || uses[1].Document != "gateway.payments.acme" || uses[1].ID != "acme-key-1" {
		t.Errorf("told %+v", uses)
	}
	_, page := get(t, server, "/metrics")
	for _, line := range []string{`d1gateway_replica_report_writes_total{result="error"} 0`, "d1gateway_replica_report_behind_seconds 0", "d1gateway_replica_lease_renewed_timestamp_seconds 1."} {
		if !strings.Contains(page, line) {
			t.Errorf("the metrics do not tell %s", line)
		}
	}
	stop()
	if lease(t, "whole") != nil || len(reader.mine()) != 1 {
		t.Error("after a stop the lease is there still, or the report is not")
	}
}

func TestAServerThatMayNotReportServesAndBecomesReadyLater(t *testing.T) {
	publish(t)
	server, stop := serve(t, control.reader, "silent")
	eventually(t, "it does not serve", func() bool { return token(t, server) == http.StatusOK })
	if status, page := get(t, server, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(page, "[-] report") {
		t.Errorf("it is ready at once: %d %s", status, page)
	}
	eventually(t, "it is not ready", func() bool { status, _ := get(t, server, "/readyz"); return status == http.StatusOK })
	stop()
}

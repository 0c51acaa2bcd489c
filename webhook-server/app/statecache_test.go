package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
	"github.com/d1gateway/d1gateway/webhook-server/serving/lastgood"
)

// writeCopy writes the documents as a server would have that read them from a cluster.
func writeCopy(t *testing.T, dir string, documents ...api.Document) {
	t.Helper()
	c, err := lastgood.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		data, err := api.Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		resource := lastgood.Secrets
		if d.Head().Kind == api.KindGateway {
			resource = lastgood.ConfigMaps
		}
		c.Put(lastgood.Document{Resource: resource, Name: d.Head().ObjectName(), ResourceVersion: "1", Data: data})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c.Run(ended)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestAServerThatStartsWithoutTheAPIServerAnswersD1FromItsCopyAndSaysSo(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	w := running.Start(t, nil)
	c := w.Client()
	w.Stop()
	dir := filepath.Join(t.TempDir(), "copy")
	writeCopy(t, dir, w.Documents.Gateway, w.Documents.Secrets, w.Documents.Client)
	w.Options.StateDir, w.Options.Cluster, w.Options.SystemNamespace = "", &rest.Config{Host: away.URL}, "d1gateway-system"
	w.Options.StateCacheDir, w.Options.StateCachePatience, w.Options.ReplicaName = dir, 1, "web-0"
	w.Run()
	w.Eventually("the copy is not served", func() bool { return c.Do(running.T0()).Status == http.StatusOK })
	unknown := running.T0()
	unknown.Header.Set("Authorization", "Basic bm9ib2R5Om5vYm9keQ==")
	if a := c.Do(unknown); a.Status != http.StatusServiceUnavailable {
		t.Errorf("a client that is not in the copy is answered %s", a)
	}
	if _, page := w.Get(w.MetricsURL("/readyz?verbose")); !strings.Contains(page, "the last good copy on disk is served") {
		t.Errorf("readiness says %s", page)
	}
	if _, page := w.Get(w.MetricsURL("/metrics")); !strings.Contains(page, "d1gateway_serving_documents_stale 1") {
		t.Error("the metric does not tell")
	}
}

func TestADirectoryForTheCopyThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	o := running.Options("", filepath.Join(t.TempDir(), "store.db"), slog.DiscardHandler)
	o.Cluster, o.SystemNamespace, o.StateCacheDir, o.ReplicaName = &rest.Config{Host: "https://127.0.0.1:9"}, "d1gateway-system", dir, "web-0"
	if _, err := app.New(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "--state-cache-dir: ") || !strings.Contains(err.Error(), "chmod 700 "+dir) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is %v", err)
	}
}

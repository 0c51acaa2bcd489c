package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func TestWhatCannotBeServedYetIsAnswered503AndNeverAsUnknown(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil)
	c := w.Client()
	token := w.Token(c)
	w.Stop()
	w.Remove(w.Documents.Secrets)
	w.Run()
	for what, r := range map[string]running.Request{"T0": running.T0(), "N0": running.N0(token)} {
		if a := c.Do(r); a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Body != "" {
			t.Errorf("%s is answered %s", what, a)
		}
	}
	if _, page := w.Get(w.MetricsURL("/readyz?verbose")); !strings.Contains(page, "nothing is served in its place") {
		t.Errorf("readiness says %s", page)
	}
	w.Publish()
	if a := c.Do(running.T0()); a.Status != http.StatusOK {
		t.Errorf("once the secrets are there, T0 is answered %s", a)
	}
}

func TestAFullStoreMakesRoomFromWhatHasBeenDelivered(t *testing.T) {
	t.Parallel()
	w := running.Start(t, func(w *running.World) { w.Options.Store += "?max-bytes=200000" })
	c := w.Client()
	token := w.Token(c)
	full := false
	for range 5000 {
		if a := c.Do(running.N0(token)); a.Status == http.StatusServiceUnavailable {
			full = true
			break
		}
	}
	if !full {
		t.Fatal("the store never was full")
	}
	w.Eventually("the store stays full", func() bool { return c.Do(running.N0(token)).Status == http.StatusNoContent })
}

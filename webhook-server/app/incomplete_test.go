package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatCannotBeServedYetIsAnswered503AndNeverAsUnknown(t *testing.T) {
	w := start(t, nil)
	token := accessToken(t, t0(t, http.DefaultClient, w.url()))
	w.stop()
	secrets := filepath.Join(w.dir, w.Secrets.ObjectName()+".json")
	if err := os.Remove(secrets); err != nil {
		t.Fatal(err)
	}
	w.run()
	for what, a := range map[string]answer{"T0": t0(t, http.DefaultClient, w.url()), "N0": n0(t, http.DefaultClient, w.url(), token)} {
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || a.body != "" {
			t.Errorf("%s is answered %+v", what, a)
		}
	}
	if a := do(t, http.DefaultClient, http.MethodGet, w.metricsURL("/readyz?verbose"), "", nil); !strings.Contains(a.body, "nothing is served in its place") {
		t.Errorf("readiness says %s", a.body)
	}
	w.write()
	eventually(t, "T0 is not answered once the secrets are there", func() bool {
		return t0(t, http.DefaultClient, w.url()).status == http.StatusOK
	})
}

func TestAFullStoreMakesRoomFromWhatHasBeenDelivered(t *testing.T) {
	w := start(t, func(w *world) { w.options.Store += "?max-bytes=200000" })
	token := accessToken(t, t0(t, http.DefaultClient, w.url()))
	go func() {
		for range w.deliveries {
		}
	}()
	full := false
	for range 5000 {
		if a := n0(t, http.DefaultClient, w.url(), token); a.status == http.StatusServiceUnavailable {
			full = true
			break
		}
	}
	if !full {
		t.Fatal("the store never was full")
	}
	eventually(t, "the store stays full", func() bool {
		return n0(t, http.DefaultClient, w.url(), token).status == http.StatusNoContent
	})
}

func TestHTTP2IsSpokenWithoutTLSToo(t *testing.T) {
	w := start(t, nil)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	c := &http.Client{Transport: transport}
	a := t0(t, c, w.url())
	if accessToken(t, a) == "" || a.proto != "HTTP/2.0" {
		t.Errorf("answer %+v", a)
	}
}

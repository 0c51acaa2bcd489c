package app_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// TestNoSecretOfDeliveriesAndLookUpsIsShown has a look-up and a delivery authenticate themselves with planted material, at servers that
// repeat what they were given; package running looks for it in the log, the metrics, the answers and the administration when the server ends.
func TestNoSecretOfDeliveriesAndLookUpsIsShown(t *testing.T) {
	t.Parallel()
	const accessToken = "planted-access-token-of-a-merchant"
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuses" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"`+r.Header.Get("Authorization")+`","error_description":"`+plantedSecret+`"}`)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"`+accessToken+`"}`)
	}))
	defer issuer.Close()
	merchant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			t.Errorf("%s has no access token", r.URL.Path)
		}
		if r.Method == http.MethodPost {
			w.Header().Set("X-Given", r.Header.Get("Authorization")+r.Header.Get("Webhook-Signature"))
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		}
	}))
	defer merchant.Close()
	key := ed25519.NewKeyFromSeed([]byte("planted seed of an Ed25519 key 32"[:ed25519.SeedSize]))
	w := running.Start(t, func(w *running.World) {
		basic := base64.StdEncoding.EncodeToString([]byte("d1gateway:" + plantedSecret))
		w.Planted(plantedSecret, accessToken, basic, base64.StdEncoding.EncodeToString(key)[:43])
		d := w.Documents
		d.Secrets.ClientCredentials = []api.ClientCredentials{{ID: "cc", ClientID: "d1gateway", ClientSecret: api.NewSecret(plantedSecret)}}
		d.Secrets.SigningSecrets = append(d.Secrets.SigningSecrets, api.SigningSecret{ID: "ed25519", Secret: api.NewSecret("whsk_" + base64.StdEncoding.EncodeToString(key))})
		d.Gateway.Delivery.URL, d.Gateway.Delivery.OAuth = merchant.URL, &api.OAuth{TokenURL: issuer.URL, Credentials: "cc"}
		d.Gateway.Delivery.SigningSecrets = append([]string{"ed25519"}, d.Gateway.Delivery.SigningSecrets...)
		d.Gateway.TokenLookup = &api.TokenLookup{
			URL: merchant.URL + "/{tokenId}", TimeoutSeconds: 3, OAuth: &api.OAuth{TokenURL: issuer.URL + "/lookup", Credentials: "cc"},
		}
	})
	c := w.Client()
	token := w.TokenOf(c, fixture.ClientID, fixture.ClientSecret)
	if a := c.Do(running.N0(token)); a.Status != http.StatusNoContent {
		t.Fatalf("answer %s", a)
	}
	w.Eventually("the refused access token is not logged", func() bool { return strings.Contains(w.Log.String(), "token_refused") })

	w.Documents.Gateway.TokenLookup.OAuth.TokenURL = issuer.URL + "/refuses"
	w.Documents.Gateway.Generation++
	w.Publish()
	if a := c.Do(running.N0(token)); a.Status != http.StatusServiceUnavailable {
		t.Errorf("without an access token for the look-up: answer %s", a)
	}
	if !strings.Contains(w.Log.String(), "token_unavailable") {
		t.Error("the failed look-up is not logged")
	}
}

package delivery_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
)

// ed25519Secret adds an Ed25519 key made of 32 characters and answers the public one.
func (w *world) ed25519Secret(id, seed string) ed25519.PublicKey {
	w.t.Helper()
	private := ed25519.NewKeyFromSeed([]byte(seed))
	w.secrets.SigningSecrets = append(w.secrets.SigningSecrets, api.SigningSecret{
		ID: id, Secret: api.NewSecret("whsk_" + base64.StdEncoding.EncodeToString(private)),
	})
	return private.Public().(ed25519.PublicKey)
}

// TestADeliveryIsSignedByEachKeyOfEitherAlgorithm sends what a backend gets in the middle of a change from HMAC to Ed25519 keys.
func TestADeliveryIsSignedByEachKeyOfEitherAlgorithm(t *testing.T) {
	url, requests := backend(t, status(http.StatusNoContent))
	merchant := merchantID(1)
	w := newWorld(t)
	public := w.ed25519Secret("current", "the seed of the current key 32 b")
	former := w.ed25519Secret("former", "the seed of the former key, 32 b")
	d := destination(url)
	d.SigningSecrets = []string{"current", "s1", "former"}
	w.merchant(merchant, d)
	w.apply()
	if v := sender(t, loopback).Attempt(context.Background(), notification("01J9ZC", merchant), "payments/acme", w.served(merchant)); v.Reason != delivery.Delivered {
		t.Fatalf("%+v", v)
	}
	got := <-requests
	h := got.request.Header
	if values := h.Values("webhook-signature"); len(values) != 1 {
		t.Fatalf("%d headers", len(values))
	}
	signatures := strings.Split(h.Get("webhook-signature"), " ")
	if len(signatures) != 3 {
		t.Fatalf("%q", signatures)
	}
	signed := []byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + string(got.body))
	for i, key := range map[int]ed25519.PublicKey{0: public, 2: former} {
		text, ok := strings.CutPrefix(signatures[i], "v1a,")
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || !ed25519.Verify(key, signed, raw) {
			t.Errorf("signature %d, %s, does not verify: %v", i, signatures[i], err)
		}
	}
	// A backend that knows v1 only finds its signature among the others.
	hook, err := standardwebhooks.NewWebhookRaw([]byte("first signing secret of the tests"))
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.Verify(got.body, h); err != nil {
		t.Error(err)
	}
}

package merchant

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// signEd25519 follows the text of Standard Webhooks.
func signEd25519(key ed25519.PrivateKey, id string, at time.Time, body string) string {
	return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, fmt.Appendf(nil, "%s.%d.%s", id, at.Unix(), body)))
}

func pair(fill string) (ed25519.PrivateKey, string) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte(fill), ed25519.SeedSize))
	return key, publicKeyPrefix + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

func TestASignatureByAPublicKeyThatIsKnownVerifies(t *testing.T) {
	current, currentPublic := pair("c")
	foreign, _ := pair("f")
	for name, c := range map[string]struct {
		secrets []string
		sign    func(now time.Time) string
		want    int
	}{
		"the public key":                  {[]string{currentPublic}, func(now time.Time) string { return signEd25519(current, "evt", now, data) }, 204},
		"beside a secret, which signs":    {[]string{currentPublic, secret(currentKey)}, func(now time.Time) string { return sign(currentKey, "evt", now, data) }, 204},
		"beside a secret, which does not": {[]string{secret(currentKey), currentPublic}, func(now time.Time) string { return signEd25519(current, "evt", now, data) }, 204},
		"second in the header": {[]string{currentPublic}, func(now time.Time) string {
			return sign(foreignKey, "evt", now, data) + " " + signEd25519(current, "evt", now, data)
		}, 204},
		"another key":       {[]string{currentPublic}, func(now time.Time) string { return signEd25519(foreign, "evt", now, data) }, 401},
		"another id":        {[]string{currentPublic}, func(now time.Time) string { return signEd25519(current, "evt2", now, data) }, 401},
		"another body":      {[]string{currentPublic}, func(now time.Time) string { return signEd25519(current, "evt", now, data+" ") }, 401},
		"another timestamp": {[]string{currentPublic}, func(now time.Time) string { return signEd25519(current, "evt", now.Add(time.Second), data) }, 401},
		"the signature under another version": {[]string{currentPublic}, func(now time.Time) string {
			return strings.Replace(signEd25519(current, "evt", now, data), "v1a", "v1", 1)
		}, 401},
		"HMAC only": {[]string{currentPublic}, func(now time.Time) string { return sign(currentKey, "evt", now, data) }, 401},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // so that the clock stands still
				backend, _ := recording(t, Options{Secrets: c.secrets})
				r := delivery("evt")
				setSignature(r, c.sign(time.Now()))
				if code := answer(backend, r); code != c.want {
					t.Errorf("answered %d, want %d", code, c.want)
				}
			})
		})
	}
}

func TestAnOldDeliveryBySignatureOfAPublicKeyIsRefused(t *testing.T) {
	key, public := pair("c")
	backend, _ := recording(t, Options{Secrets: []string{public}})
	for _, c := range []struct {
		age  time.Duration
		want int
	}{{4 * time.Minute, http.StatusNoContent}, {6 * time.Minute, http.StatusUnauthorized}, {-6 * time.Minute, http.StatusUnauthorized}} {
		at := time.Now().Add(-c.age)
		r := delivery("evt")
		r.Header.Set("Webhook-Timestamp", fmt.Sprint(at.Unix()))
		setSignature(r, signEd25519(key, "evt", at, data))
		if code := answer(backend, r); code != c.want {
			t.Errorf("%s old: answered %d, want %d", c.age, code, c.want)
		}
	}
}

func TestWhatIsNoPublicKeyIsRefused(t *testing.T) {
	for _, text := range []string{publicKeyPrefix, publicKeyPrefix + "planted!", publicKeyPrefix + base64.StdEncoding.EncodeToString(make([]byte, 31))} {
		if _, err := New(Options{Secrets: []string{text}}); err == nil || strings.Contains(err.Error(), "planted") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

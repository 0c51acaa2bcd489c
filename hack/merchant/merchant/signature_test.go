package merchant

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAWrongSignatureIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*http.Request){
		"another key":            func(r *http.Request) { r.Header.Set("Webhook-Signature", sign(foreignKey, "evt", time.Now(), data)) },
		"another id":             func(r *http.Request) { r.Header.Set("Webhook-Id", "evt2") },
		"another timestamp":      func(r *http.Request) { r.Header.Set("Webhook-Timestamp", fmt.Sprint(time.Now().Unix()+1)) },
		"another body":           func(r *http.Request) { r.Body = http.NoBody },
		"no id":                  func(r *http.Request) { r.Header.Del("Webhook-Id") },
		"no timestamp":           func(r *http.Request) { r.Header.Del("Webhook-Timestamp") },
		"no signature":           func(r *http.Request) { r.Header.Del("Webhook-Signature") },
		"a timestamp in words":   func(r *http.Request) { r.Header.Set("Webhook-Timestamp", "now") },
		"another version":        func(r *http.Request) { setSignature(r, strings.Replace(signature(r), "v1,", "v2,", 1)) },
		"a hexadecimal digest":   func(r *http.Request) { setSignature(r, "v1,"+strings.Repeat("ab", 32)) },
		"a signature cut short":  func(r *http.Request) { setSignature(r, signature(r)[:20]) },
		"a signature of nothing": func(r *http.Request) { setSignature(r, "v1,") },
	} {
		t.Run(name, func(t *testing.T) {
			backend, seen := recording(t, Options{})
			r := delivery("evt")
			spoil(r)
			if code := answer(backend, r); code != http.StatusUnauthorized {
				t.Errorf("answered %d, want 401", code)
			}
			if want := (Stats{BadSignatures: 1}); backend.Stats() != want {
				t.Errorf("stats %+v, want %+v", backend.Stats(), want)
			}
			if d := (*seen)[0]; d.Outcome != BadSignature || d.Err == nil || d.Body != nil || d.Event.ID != "" {
				t.Errorf("reported %+v, want no part of what was not signed", d)
			}
		})
	}
}

func signature(r *http.Request) string          { return r.Header.Get("Webhook-Signature") }
func setSignature(r *http.Request, text string) { r.Header.Set("Webhook-Signature", text) }

func TestEitherSecretOfARotationVerifies(t *testing.T) {
	both := []string{secret(currentKey), secret(previousKey)}
	backend, _ := recording(t, Options{Secrets: both})
	now := time.Now()
	for i, text := range []string{
		sign(currentKey, "evt", now, data),
		sign(previousKey, "evt", now, data),
		sign(foreignKey, "evt", now, data) + " " + sign(previousKey, "evt", now, data),
	} {
		r := delivery("evt")
		r.Header.Set("Webhook-Timestamp", fmt.Sprint(now.Unix()))
		setSignature(r, text)
		if code := answer(backend, r); code != http.StatusNoContent {
			t.Errorf("signature %d answered with %d, want 204", i, code)
		}
	}
}

func TestADeliveryIsGoodForFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend, _ := recording(t, Options{})
		inTime, late, early := delivery("evt"), delivery("evt"), delivery("evt")
		ahead := time.Now().Add(11 * time.Minute)
		early.Header.Set("Webhook-Timestamp", fmt.Sprint(ahead.Unix()))
		setSignature(early, sign(currentKey, "evt", ahead, data))

		<-time.After(5 * time.Minute) // on the bubble's clock
		if code := answer(backend, inTime); code != http.StatusNoContent {
			t.Errorf("five minutes old: %d, want 204", code)
		}
		if code := answer(backend, early); code != http.StatusUnauthorized {
			t.Errorf("six minutes ahead: %d, want 401", code)
		}
		<-time.After(time.Second)
		if code := answer(backend, late); code != http.StatusUnauthorized {
			t.Errorf("a second older: %d, want 401", code)
		}
	})
}

func TestUnusableSecretsAreRefusedWithoutBeingRepeated(t *testing.T) {
	for name, secrets := range map[string][]string{
		"none":                 nil,
		"no prefix":            {strings.TrimPrefix(secret(currentKey), secretPrefix)},
		"no base64":            {secretPrefix + "planted!"},
		"too short":            {secret([]byte("planted"))},
		"one good and one bad": {secret(currentKey), secretPrefix},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Secrets: secrets})
			if err == nil {
				t.Fatal("the secrets were taken")
			}
			for _, s := range secrets {
				if tail := strings.TrimPrefix(s, secretPrefix); tail != "" && strings.Contains(err.Error(), tail) {
					t.Errorf("the error repeats a secret: %v", err)
				}
			}
		})
	}
}

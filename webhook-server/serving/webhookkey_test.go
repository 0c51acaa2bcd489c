package serving_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// ed25519Pair is made from a seed that is not secret.
func ed25519Pair() (ed25519.PrivateKey, ed25519.PublicKey) {
	private := ed25519.NewKeyFromSeed([]byte("a seed that is planted in tests."))
	return private, private.Public().(ed25519.PublicKey)
}

func encoded(prefix string, raw []byte) string {
	return prefix + base64.StdEncoding.EncodeToString(raw)
}

func TestAnHMACKeySignsAsTheStandardWebhooksLibraryVerifies(t *testing.T) {
	secret := encoded("whsec_", []byte("a signing secret of the tests"))
	key, err := serving.ParseWebhookKey(api.NewSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	header := http.Header{"Webhook-Id": {"n1"}, "Webhook-Timestamp": {fmt.Sprint(now)}, "Webhook-Signature": {key.Signature("n1", fmt.Sprint(now), []byte(`{"a":1}`))}}
	if err := hook.Verify([]byte(`{"a":1}`), header); err != nil {
		t.Error(err)
	}
	if hook.Verify([]byte(`{"a":2}`), header) == nil {
		t.Error("an altered body verifies")
	}
}

func TestAnEd25519KeySignsTheIDTheTimestampAndTheBody(t *testing.T) {
	private, public := ed25519Pair()
	key, err := serving.ParseWebhookKey(api.NewSecret(encoded("whsk_", private)))
	if err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(key.Signature("n1", "1700000000", []byte(`{"a":1}`)), "v1a,")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	if !ed25519.Verify(public, []byte(`n1.1700000000.{"a":1}`), raw) {
		t.Error("the signature does not verify")
	}
	for _, altered := range []string{`n2.1700000000.{"a":1}`, `n1.1700000001.{"a":1}`, `n1.1700000000.{"a":2}`} {
		if ed25519.Verify(public, []byte(altered), raw) {
			t.Errorf("%s verifies", altered)
		}
	}
}

func TestWhatIsNoSigningSecretIsRefusedAndNotRepeated(t *testing.T) {
	private, _ := ed25519Pair()
	other := bytes.Clone(private)
	other[ed25519.PrivateKeySize-1] ^= 1
	for name, text := range map[string]string{
		"nothing":                 "",
		"another prefix":          "whpk_" + base64.StdEncoding.EncodeToString([]byte("planted-public-key")),
		"no prefix":               base64.StdEncoding.EncodeToString([]byte("planted-signing-secret")),
		"HMAC, no base64":         "whsec_planted!",
		"HMAC, empty":             "whsec_",
		"Ed25519, no base64":      "whsk_planted!",
		"Ed25519, the seed alone": encoded("whsk_", private.Seed()),
		"Ed25519, too long":       encoded("whsk_", append(bytes.Clone(private), 0)),
		"Ed25519, the public half of another key": encoded("whsk_", other),
	} {
		key, err := serving.ParseWebhookKey(api.NewSecret(text))
		if !errors.Is(err, serving.ErrWebhookKey) {
			t.Errorf("%s: %v, %v", name, key, err)
			continue
		}
		if tail := text[strings.IndexByte(text, '_')+1:]; len(tail) > 6 && strings.Contains(err.Error(), tail) {
			t.Errorf("%s: the error repeats it: %v", name, err)
		}
	}
}

func TestASigningKeyDoesNotPrint(t *testing.T) {
	private, _ := ed25519Pair()
	for _, text := range []string{encoded("whsec_", []byte("a seed that is planted in tests.")), encoded("whsk_", private)} {
		key, err := serving.ParseWebhookKey(api.NewSecret(text))
		if err != nil {
			t.Fatal(err)
		}
		d := &serving.Destination{SigningKeys: []serving.WebhookKey{key}}
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			_, _ = fmt.Fprintf(&out, verb+"\n"+verb+"\n"+verb+"\n", key, &key, d.SigningKeys)
		}
		_, _ = fmt.Fprintln(&out, key.String(), key.GoString())
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", key, "keys", d.SigningKeys)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", key, "keys", d.SigningKeys)
		encodedJSON, err := json.Marshal(d.SigningKeys)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(encodedJSON)
		for _, planted := range []string{"planted", "706c616e746564", "112 108 97 110", "0x70, 0x6c", text[8:40]} {
			if strings.Contains(out.String(), planted) {
				t.Errorf("%s is printed:\n%s", planted, &out)
			}
		}
	}
}

func FuzzParseWebhookKey(f *testing.F) {
	private, _ := ed25519Pair()
	f.Add(encoded("whsec_", []byte("a signing secret of the tests")))
	f.Add(encoded("whsk_", private))
	f.Add(encoded("whsk_", private.Seed()))
	f.Add("whpk_AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := serving.ParseWebhookKey(api.NewSecret(text))
		if err != nil {
			if err.Error() != serving.ErrWebhookKey.Error() {
				t.Errorf("the error depends on the secret: %v", err)
			}
			return
		}
		signature := key.Signature("id", "1", []byte("body"))
		version, value, _ := strings.Cut(signature, ",")
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			t.Fatal(err)
		}
		secret, ok := strings.CutPrefix(text, "whsk_")
		if !ok {
			if version != "v1" || len(raw) != 32 {
				t.Errorf("%s", signature)
			}
			return
		}
		full, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			t.Fatal(err)
		}
		if version != "v1a" || !ed25519.Verify(full[ed25519.SeedSize:], []byte("id.1.body"), raw) {
			t.Error("the signature does not verify with the public half of the secret")
		}
	})
}

package translate

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// The key pair of test 1 in RFC 8032 section 7.1.
const (
	knownPrivateKey = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="
	knownPublicKey  = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)

func TestWhichSigningSecretsAreTakenOver(t *testing.T) {
	t.Parallel()
	encoded := func(prefix string, n int) string { return prefix + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"the shortest of HMAC":                        {encoded("whsec_", 24), true},
		"the longest of HMAC":                         {encoded("whsec_", 64), true},
		"one that is too short":                       {encoded("whsec_", 23), false},
		"one that is too long":                        {encoded("whsec_", 65), false},
		"a private key":                               {knownPrivateKey, true},
		"a private key with another one's public key": {encoded("whsk_", 64), false},
		"a seed alone":                                {encoded("whsk_", 32), false},
		"a private key with a line break behind it":   {knownPrivateKey + "\n", false},
		"a private key with a line break within":      {knownPrivateKey[:40] + "\n" + knownPrivateKey[40:], false},
		"a private key in the URL's alphabet":         {strings.ReplaceAll(knownPrivateKey, "/", "_"), false},
		"a public key":                                {knownPublicKey, false},
		"no prefix":                                   {knownPrivateKey[len("whsk_"):], false},
		"nothing":                                     {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			secret, err := parseSigningSecret(map[string][]byte{"key": []byte(c.text)}, "key")
			if (err == nil) != c.good || c.good && secret.Reveal() != c.text {
				t.Errorf("%v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "key") {
				t.Errorf("the error does not name the key: %v", err)
			}
		})
	}
}

func TestThePublicKeyOfAPrivateKey(t *testing.T) {
	t.Parallel()
	if got := publicKeyOf(serving.NewSecret(knownPrivateKey)); got != knownPublicKey {
		t.Errorf("it is %s", got)
	}
	if got := publicKeyOf(serving.NewSecret("whsec_" + knownPrivateKey[len("whsk_"):])); got != "" {
		t.Errorf("a secret of HMAC has the public key %s", got)
	}
}

func TestAGeneratedDeliveryKeyIsOneThatIsTakenOver(t *testing.T) {
	t.Parallel()
	one, other := NewGenerator().DeliveryKey(), NewGenerator().DeliveryKey()
	if _, err := parseSigningSecret(map[string][]byte{"key": []byte(one.Reveal())}, "key"); err != nil {
		t.Error(err)
	}
	if one.Reveal() == other.Reveal() {
		t.Error("two are the same")
	}
	private, _ := privateKeyOf(one)
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(publicKeyOf(one), "whpk_"))
	if err != nil || !ed25519.Verify(public, []byte("message"), ed25519.Sign(private, []byte("message"))) {
		t.Errorf("what it signs is not verified: %v", err)
	}
}

// FuzzSigningSecret: whatever a Secret holds, what is taken over can sign, and no error repeats it.
func FuzzSigningSecret(f *testing.F) {
	for _, seed := range []string{
		"whsec_bWFkZS11cCBzaWduaW5nIHNlY3JldCBudW1iZXIgMQ==", "whsec_c2hvcnQ=", "whsec_bWFkZS11cCBzaWduaW5nIHNlY3JldCBudW1iZXIgMQ==\n",
		knownPrivateKey, knownPrivateKey + "=", knownPublicKey, "whsk_", "whsec_",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		secret, err := parseSigningSecret(map[string][]byte{v1alpha1.KeySigningSecret: raw}, v1alpha1.KeySigningSecret)
		if err != nil {
			if len(raw) > 30 && strings.Contains(err.Error(), string(raw)) {
				t.Error("the error repeats the secret")
			}
			return
		}
		if secret.Reveal() != string(raw) {
			t.Error("another text was taken over")
		}
		prefix, encoded, _ := strings.Cut(string(raw), "_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case err != nil:
			t.Error(err)
		case prefix == "whsec" && (len(key) < 24 || len(key) > 64):
			t.Errorf("a secret of %d bytes was taken over", len(key))
		case prefix == "whsk" && (len(key) != 64 || !ed25519.Verify(key[32:], []byte("m"), ed25519.Sign(key, []byte("m")))):
			t.Errorf("a private key of %d bytes was taken over that nobody can verify", len(key))
		case prefix != "whsec" && prefix != "whsk":
			t.Errorf("one that begins with %q was taken over", prefix)
		}
	})
}

package serving

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// The prefixes of Standard Webhooks secrets.
const (
	hmacPrefix    = "whsec_"
	ed25519Prefix = "whsk_"
)

// ErrWebhookKey says that a signing secret is of neither form. It never repeats the secret.
var ErrWebhookKey = errors.New(`signing secret is neither "whsec_" and base64 nor "whsk_" and the base64 of an Ed25519 private key`)

// WebhookKey signs deliveries by Standard Webhooks: v1 (HMAC-SHA256) or v1a (Ed25519). It does not print. Its zero value signs nothing: make
// one by ParseWebhookKey. Safe for concurrent use.
type WebhookKey struct {
	hmac    []byte
	ed25519 ed25519.PrivateKey
}

// ParseWebhookKey reads "whsec_" and the base64 of an HMAC key, or "whsk_" and the base64 of an Ed25519 private key: 64 bytes, RFC 8032's
// seed and then the public key, which must be that seed's (a signature made with another one gives the private key away).
// The error is ErrWebhookKey.
func ParseWebhookKey(secret api.Secret) (WebhookKey, error) {
	text := secret.Reveal()
	if encoded, ok := strings.CutPrefix(text, hmacPrefix); ok {
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(raw) == 0 {
			return WebhookKey{}, ErrWebhookKey
		}
		return WebhookKey{hmac: raw}, nil
	}
	encoded, ok := strings.CutPrefix(text, ed25519Prefix)
	if !ok {
		return WebhookKey{}, ErrWebhookKey
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw) != ed25519.PrivateKeySize {
		return WebhookKey{}, ErrWebhookKey
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if subtle.ConstantTimeCompare(key, raw) != 1 {
		return WebhookKey{}, ErrWebhookKey
	}
	return WebhookKey{ed25519: key}, nil
}

// Signature signs one attempt: the webhook-id, the webhook-timestamp and the body, joined by dots. It answers "v1," or "v1a," and base64, as
// it stands in webhook-signature.
func (k WebhookKey) Signature(id, timestamp string, body []byte) string {
	signed := make([]byte, 0, len(id)+len(timestamp)+len(body)+2)
	signed = append(signed, id...)
	signed = append(signed, '.')
	signed = append(signed, timestamp...)
	signed = append(signed, '.')
	signed = append(signed, body...)
	if k.ed25519 != nil {
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(k.ed25519, signed))
	}
	mac := hmac.New(sha256.New, k.hmac)
	mac.Write(signed)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const redacted = "[redacted]"

// String answers "[redacted]".
func (k WebhookKey) String() string { return redacted }

// GoString answers "[redacted]", for %#v.
func (k WebhookKey) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (k WebhookKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue answers "[redacted]" to log/slog.
func (k WebhookKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON answers "[redacted]".
func (k WebhookKey) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

package serving

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that does not print: every formatting verb, log handler and JSON encoder gets "[redacted]".
// Reveal is the one way to the text, and easy to find in a review.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal answers the text itself.
func (s Secret) Reveal() string { return s.text }

// IsZero says whether there is no text.
func (s Secret) IsZero() bool { return s.text == "" }

// String answers "[redacted]".
func (s Secret) String() string { return redacted }

// GoString answers "[redacted]", for %#v.
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue answers "[redacted]" to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON answers "[redacted]". The codec of this package writes the text of the documents that hold one by itself.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// UnmarshalJSON reads the text.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("secret is not a JSON string")
	}
	s.text = text
	return nil
}

// SecretDigest is the SHA-256 of a client secret. A generated secret holds 256 bits of randomness, so one hash protects it as
// well as a slow one would, and a token request costs no more than it must.
type SecretDigest [sha256.Size]byte

// DigestSecret hashes a client secret.
func DigestSecret(secret string) SecretDigest { return sha256.Sum256([]byte(secret)) }

// Equal compares in constant time.
func (d SecretDigest) Equal(other SecretDigest) bool {
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

// MarshalText answers lower-case hex.
func (d SecretDigest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

// UnmarshalText reads 64 hex digits.
func (d *SecretDigest) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(string(b))
	if err != nil || len(raw) != len(d) {
		return errors.New("digest is not 64 hex digits")
	}
	copy(d[:], raw)
	return nil
}

// VersionOf identifies the version of an encoded document: the SHA-256 of its bytes in hex.
func VersionOf(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

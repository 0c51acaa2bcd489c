package translate

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Standard Webhooks wants keys of 24 to 64 bytes for HMAC.
const (
	minSigningKeyBytes = 24
	maxSigningKeyBytes = 64
)

// parseSigningSecret reads a Standard Webhooks secret or private key. No error repeats it.
func parseSigningSecret(data map[string][]byte, key string) (serving.Secret, error) {
	if len(data[key]) == 0 {
		return serving.Secret{}, missingKey(key)
	}
	secret := serving.NewSecret(string(data[key]))
	switch deliveryAlgorithm(secret) {
	case v1alpha1.SigningHMAC:
		if raw, ok := decoded(secret, signingSecretPrefix); ok && len(raw) >= minSigningKeyBytes && len(raw) <= maxSigningKeyBytes {
			return secret, nil
		}
		return serving.Secret{}, notHMAC(key)
	case v1alpha1.SigningEd25519:
		if _, ok := privateKeyOf(secret); ok {
			return secret, nil
		}
		return serving.Secret{}, errors.New("the key " + key + ` must hold "whsk_" and the base64 of 64 bytes, without a line break: an Ed25519 private key and the public key that goes with it`)
	default:
		return serving.Secret{}, errors.New("the key " + key + ` must begin with "whsec_" (HMAC) or "whsk_" (Ed25519)`)
	}
}

func notHMAC(key string) error {
	return errors.New("the key " + key + ` must hold "whsec_" and the base64 of 24 to 64 bytes, without a line break`)
}

// deliveryAlgorithm answers by its prefix what a secret signs with; empty when neither.
func deliveryAlgorithm(secret serving.Secret) v1alpha1.DeliverySigningAlgorithm {
	switch {
	case strings.HasPrefix(secret.Reveal(), signingSecretPrefix):
		return v1alpha1.SigningHMAC
	case strings.HasPrefix(secret.Reveal(), signingKeyPrefix):
		return v1alpha1.SigningEd25519
	default:
		return ""
	}
}

// decoded answers the bytes behind the prefix.
func decoded(secret serving.Secret, prefix string) ([]byte, bool) {
	encoded, ok := strings.CutPrefix(secret.Reveal(), prefix)
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	// DecodeString passes over line breaks; a backend that reads the same Secret may not.
	return raw, ok && err == nil && !strings.ContainsAny(encoded, "\r\n")
}

// privateKeyOf answers the Ed25519 private key; false when it is none, or its public half is not the one that goes with its seed: nobody could verify
// what it signs (RFC 8032 section 5.1.5).
func privateKeyOf(secret serving.Secret) (ed25519.PrivateKey, bool) {
	raw, ok := decoded(secret, signingKeyPrefix)
	if !ok || len(raw) != ed25519.PrivateKeySize || !bytes.Equal(ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize]), raw) {
		return nil, false
	}
	return raw, true
}

// publicKeyOf answers "whpk_" and the base64 of the public key that verifies what the private key signs; empty when it is none.
func publicKeyOf(secret serving.Secret) string {
	private, ok := privateKeyOf(secret)
	if !ok {
		return ""
	}
	return publicKeyPrefix + base64.StdEncoding.EncodeToString(private[ed25519.SeedSize:])
}

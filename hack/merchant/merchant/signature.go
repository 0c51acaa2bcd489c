package merchant

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix    = "whsec_"
	publicKeyPrefix = "whpk_"
	// minSecret is the shortest secret that Standard Webhooks allows, in bytes.
	minSecret = 24
	// tolerance is how old a delivery may be, and how far ahead of this clock.
	tolerance = 5 * time.Minute
)

// verifier checks signatures by the Standard Webhooks specification: v1 (HMAC) with the library of that specification, v1a (Ed25519), which the
// library does not know, with crypto/ed25519. The gateway's own code is not asked whether its signatures are right.
type verifier struct {
	webhooks   []*standardwebhooks.Webhook
	publicKeys []ed25519.PublicKey
}

func newVerifier(secrets []string) (*verifier, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no signing secret")
	}
	v := &verifier{}
	for i, secret := range secrets {
		// The errors name the place and not the secret.
		if encoded, isPublic := strings.CutPrefix(secret, publicKeyPrefix); isPublic {
			key, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil || len(key) != ed25519.PublicKeySize {
				return nil, fmt.Errorf("public key %d is not the base64 of %d bytes", i+1, ed25519.PublicKeySize)
			}
			v.publicKeys = append(v.publicKeys, key)
			continue
		}
		encoded, prefixed := strings.CutPrefix(secret, secretPrefix)
		if !prefixed {
			return nil, fmt.Errorf("signing secret %d starts with neither %s nor %s", i+1, secretPrefix, publicKeyPrefix)
		}
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(key) < minSecret {
			return nil, fmt.Errorf("signing secret %d is not the base64 of at least %d bytes", i+1, minSecret)
		}
		webhook, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("signing secret %d cannot be used", i+1)
		}
		v.webhooks = append(v.webhooks, webhook)
	}
	return v, nil
}

// verify accepts a body whose signature one of the secrets or public keys explains, and whose timestamp is within five minutes of now: an old
// delivery may be a replay.
func (v *verifier) verify(body []byte, header http.Header) error {
	err := v.verifyEd25519(body, header)
	if err == nil {
		return nil
	}
	for _, webhook := range v.webhooks {
		if err = webhook.Verify(body, header); err == nil {
			return nil
		}
	}
	return err
}

func (v *verifier) verifyEd25519(body []byte, header http.Header) error {
	id, timestamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return errors.New("webhook-id or webhook-timestamp is missing or cannot be read")
	}
	if age := time.Since(time.Unix(seconds, 0)); age.Abs() > tolerance {
		return fmt.Errorf("the delivery is not of the last %s", tolerance)
	}
	signed := append([]byte(id+"."+timestamp+"."), body...)
	for text := range strings.SplitSeq(header.Get("Webhook-Signature"), " ") {
		encoded, known := strings.CutPrefix(text, "v1a,")
		if !known {
			continue
		}
		signature, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		for _, key := range v.publicKeys {
			if ed25519.Verify(key, signed, signature) {
				return nil
			}
		}
	}
	return errors.New("no signature is by a public key that is known")
}

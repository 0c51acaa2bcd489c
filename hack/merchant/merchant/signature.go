package merchant

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix = "whsec_"
	// minSecret is the shortest secret that Standard Webhooks allows, in bytes.
	minSecret = 24
)

// verifier checks signatures by the Standard Webhooks specification, with the library of
// that specification: the gateway's own code is not asked whether its signatures are right.
type verifier struct {
	webhooks []*standardwebhooks.Webhook
}

func newVerifier(secrets []string) (*verifier, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no signing secret")
	}
	v := &verifier{}
	for i, secret := range secrets {
		// The errors name the place and not the secret.
		encoded, prefixed := strings.CutPrefix(secret, secretPrefix)
		if !prefixed {
			return nil, fmt.Errorf("signing secret %d does not start with %s", i+1, secretPrefix)
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

// verify accepts a body whose signature one of the secrets explains, and whose timestamp
// is within five minutes of now: an old delivery may be a replay.
func (v *verifier) verify(body []byte, header http.Header) error {
	var err error
	for _, webhook := range v.webhooks {
		if err = webhook.Verify(body, header); err == nil {
			return nil
		}
	}
	return err
}

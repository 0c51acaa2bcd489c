package clientauth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// assertionType is the client_assertion_type of a JWT (RFC 7523 section 2.2).
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// maxAssertionBytes bounds an assertion; a longer one is refused unread.
	maxAssertionBytes = 4 << 10
)

// byAssertion authenticates by a JWT that the client has signed (RFC 7523, private_key_jwt).
func (a *Authenticator) byAssertion(t attempt, formID, kind, text string) (Authenticated, Outcome) {
	given, ok := parseAssertion(kind, text)
	if !ok || formID != "" && formID != given.issuer {
		return a.refuse(t, failure{reason: BadAssertion, detail: "it is not a JWT of one client"})
	}
	client := t.find(given.issuer)
	suspect, ok := a.admit(t, client, given.issuer)
	if !ok {
		return Authenticated{}, TooManyFailures
	}
	switch {
	case client == nil:
		return a.fail(t, suspect, failure{reason: UnknownClient})
	case len(client.Keys) == 0 || !client.Gateway.Allows(api.PrivateKeyJWT):
		return a.fail(t, suspect, failure{client: client, reason: MethodNotAllowed})
	case client.Suspended:
		return a.fail(t, suspect, failure{client: client, reason: Suspended})
	}
	key, err := a.useAssertion(t, client, given)
	if errors.Is(err, errNoRoom) {
		a.options.Logger.LogAttrs(t.request.Context(), slog.LevelWarn, "client assertion cannot be remembered, answering 503",
			slog.String("client", client.ClientID), slog.String("gateway", client.Gateway.GatewayID))
		return Authenticated{}, Overloaded
	}
	if err != nil {
		return a.fail(t, suspect, failure{client: client, reason: BadAssertion, detail: err.Error()})
	}
	return a.succeed(t, client, api.PrivateKeyJWT, key.ID)
}

// useAssertion answers the key that a good assertion of the client was signed with. The assertion is not good a second time.
func (a *Authenticator) useAssertion(t attempt, client *serving.Client, given assertion) (*serving.ClientKey, error) {
	key := given.signer(client.Keys)
	if key == nil {
		return nil, errors.New("none of the client's keys has signed it")
	}
	c, err := decodeClaims(given.payload)
	if err != nil {
		return nil, err
	}
	if err := c.check(client, t.now); err != nil {
		return nil, err
	}
	return key, a.replays.use(client, c.id, c.forgetAt(), t.now)
}

// assertion is a JWT in the form of RFC 7515 section 3.1 that says who has signed it. Nothing of it is believed before a key of
// that client verifies the signature, and nothing else of its claims is read.
type assertion struct {
	algorithm string // of api.AssertionAlgorithms
	keyID     string // empty when it names none
	issuer    string
	payload   []byte
	signed    string // what the signature is of
	signature []byte
}

// parseAssertion reads an assertion, and answers false for anything else.
func parseAssertion(kind, text string) (assertion, bool) {
	parts := strings.Split(text, ".")
	if kind != assertionType || len(text) > maxAssertionBytes || len(parts) != 3 {
		return assertion{}, false
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return assertion{}, false
		}
	}
	a := assertion{payload: decoded[1], signed: parts[0] + "." + parts[1], signature: decoded[2]}
	var keyID any
	var critical json.RawMessage
	if err := httpx.Members(decoded[0], map[string]any{"alg": &a.algorithm, "kid": &keyID, "crit": &critical}); err != nil {
		return assertion{}, false
	}
	// RFC 7515 section 4.1.11: no extension is understood here.
	if critical != nil || !slices.Contains(api.AssertionAlgorithms(), a.algorithm) {
		return assertion{}, false
	}
	a.keyID, _ = keyID.(string) // one that is no text names none
	if err := httpx.Members(a.payload, map[string]any{"iss": &a.issuer}); err != nil {
		return assertion{}, false
	}
	return a, a.issuer != ""
}

// signer answers the key that has signed it, or nil. The key decides over the algorithm (RFC 8725 section 3.1).
func (a assertion) signer(keys []serving.ClientKey) *serving.ClientKey {
	method := signingMethod(a.algorithm)
	for i := range keys {
		key := &keys[i]
		if a.keyID != "" && key.KeyID != "" && a.keyID != key.KeyID || !key.Verifies(a.algorithm) {
			continue
		}
		if method.Verify(a.signed, a.signature, key.Key) == nil {
			return key
		}
	}
	return nil
}

// signingMethod answers the method of an algorithm of the closed list. The library does not know EdDSA by its name of RFC 9864 yet.
func signingMethod(algorithm string) jwt.SigningMethod {
	if algorithm == "Ed25519" {
		return jwt.SigningMethodEdDSA
	}
	return jwt.GetSigningMethod(algorithm)
}

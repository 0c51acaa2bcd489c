package clientauth

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// assertionType is the client_assertion_type of a JWT (RFC 7523 section 2.2).
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// maxAssertionBytes bounds an assertion; a longer one is refused unread.
	maxAssertionBytes = 4 << 10
	// maxAssertionLifetime bounds how far ahead an assertion may expire, and with it how long its jti must be remembered.
	maxAssertionLifetime = time.Hour
	// assertionSkew is how far the clocks of client and server may be apart.
	assertionSkew = 60 * time.Second
)

// newAssertionParser reads assertions of the closed list of algorithms; what the claims say is checked here.
func newAssertionParser() *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods([]string{"ES256", "ES384", "EdDSA", "RS256", "PS256"}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
}

// byAssertion authenticates by a JWT that the client has signed (RFC 7523, private_key_jwt).
func (a *Authenticator) byAssertion(t attempt, formID, kind, assertion string) (Authenticated, Refusal) {
	id, ok := assertionIssuer(a.parser, kind, assertion)
	if !ok || formID != "" && formID != id {
		return a.refuse(t, failure{reason: BadAssertion, detail: "it is not a JWT of one client"})
	}
	suspect, ok := a.suspect(t, id)
	if !ok {
		return Authenticated{}, TooManyFailures
	}
	client := t.find(t.snapshot, id)
	switch {
	case client == nil:
		return a.fail(t, suspect, failure{reason: UnknownClient})
	case len(client.Keys) == 0 || !client.Gateway.Allows(api.PrivateKeyJWT):
		return a.fail(t, suspect, failure{client: client, reason: MethodNotAllowed})
	case client.Suspended:
		return a.fail(t, suspect, failure{client: client, reason: Suspended})
	}
	claims, key, err := verifyAssertion(a.parser, client, assertion)
	if err == nil {
		err = checkAssertion(claims, client, t.now)
	}
	if err == nil {
		err = a.replays.use(client, claims.ID, claims.ExpiresAt.Add(assertionSkew), t.now)
	}
	if errors.Is(err, errNoRoom) {
		a.Logger.LogAttrs(t.request.Context(), slog.LevelWarn, "client assertion cannot be remembered, answering 503",
			slog.String("client", client.ClientID), slog.String("gateway", client.Gateway.GatewayID))
		return Authenticated{}, Overloaded
	}
	if err != nil {
		return a.fail(t, suspect, failure{client: client, reason: BadAssertion, detail: err.Error()})
	}
	return a.succeed(t, client, api.PrivateKeyJWT, key.ID)
}

// assertionIssuer answers who an assertion says it is of, without believing it yet.
func assertionIssuer(parser *jwt.Parser, kind, assertion string) (id string, ok bool) {
	if kind != assertionType || len(assertion) > maxAssertionBytes {
		return "", false
	}
	var claims jwt.RegisteredClaims
	if _, _, err := parser.ParseUnverified(assertion, &claims); err != nil {
		return "", false
	}
	return claims.Issuer, claims.Issuer != "" && claims.Issuer == claims.Subject
}

var errNoAssertionKey = errors.New("none of the client's keys has signed it")

// verifyAssertion answers the claims of an assertion that one of the client's keys has signed. The key decides over the algorithm.
func verifyAssertion(parser *jwt.Parser, client *serving.Client, assertion string) (*jwt.RegisteredClaims, *serving.ClientKey, error) {
	for i := range client.Keys {
		key := &client.Keys[i]
		claims := new(jwt.RegisteredClaims)
		_, err := parser.ParseWithClaims(assertion, claims, func(t *jwt.Token) (any, error) {
			kid, _ := t.Header["kid"].(string)
			_, critical := t.Header["crit"]
			if critical || kid != "" && key.KeyID != "" && kid != key.KeyID || !goesWith(t.Method.Alg(), key.Algorithm) {
				return nil, errNoAssertionKey
			}
			return key.Key, nil
		})
		if err == nil {
			return claims, key, nil
		}
	}
	return nil, nil, errNoAssertionKey
}

// goesWith says whether a key that verifies only the given algorithm verifies alg. Without one it is an RSA key for both of its own.
func goesWith(alg, algorithm string) bool {
	if algorithm == "" {
		return alg == "RS256" || alg == "PS256"
	}
	return alg == algorithm
}

// checkAssertion looks at what the claims say.
func checkAssertion(c *jwt.RegisteredClaims, client *serving.Client, now time.Time) error {
	switch {
	case c.Issuer != client.ClientID || c.Subject != client.ClientID:
		return errors.New("it is of another client")
	case !slices.ContainsFunc(c.Audience, client.Gateway.IsAudience):
		return fmt.Errorf("its aud is none of this gateway's: use %s", client.Gateway.Issuer)
	case c.ExpiresAt == nil || !now.Before(c.ExpiresAt.Add(assertionSkew)):
		return errors.New("it has expired, or never does")
	case c.ExpiresAt.After(now.Add(maxAssertionLifetime + assertionSkew)):
		return errors.New("it lives longer than an hour")
	case c.NotBefore != nil && c.NotBefore.After(now.Add(assertionSkew)), c.IssuedAt != nil && c.IssuedAt.After(now.Add(assertionSkew)):
		return errors.New("it is not valid yet")
	case c.ID == "":
		return errors.New("it has no jti: it could be used twice")
	}
	return nil
}

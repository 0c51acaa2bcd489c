package token

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// MaxTokenBytes bounds an access token; a longer one is refused unread.
const MaxTokenBytes = 4 << 10

// ErrInvalid says that an access token must not be accepted. What wraps it says why, for a log; it never repeats the token.
var ErrInvalid = errors.New("invalid access token")

// claims are those of RFC 9068 section 2.2.
type claims struct {
	Issuer    string           `json:"iss"`
	Audience  jwt.ClaimStrings `json:"aud"`
	Subject   string           `json:"sub"`
	ClientID  string           `json:"client_id"`
	Scope     string           `json:"scope"`
	IssuedAt  *jwt.NumericDate `json:"iat"`
	ExpiresAt *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
}

// The methods that make claims a jwt.Claims. The library asks them only when it validates, which is done here instead.

func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.ExpiresAt, nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.IssuedAt, nil }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.NotBefore, nil }
func (c *claims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c *claims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return c.Audience, nil }

// Verifier checks access tokens. It remembers which signatures held, so that a token used for many notifications is verified once;
// everything else is checked each time. It may be used by many goroutines at once.
type Verifier struct {
	parser *jwt.Parser
	memory *memory
}

// NewVerifier makes a Verifier that remembers about the given number of tokens, and never more than twice as many.
func NewVerifier(remember int) *Verifier {
	algorithms := []string{string(api.ES256), string(api.EdDSA), string(api.RS256)}
	return &Verifier{
		parser: jwt.NewParser(jwt.WithValidMethods(algorithms), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding()),
		memory: newMemory(remember),
	}
}

// Verify answers the client that an access token was issued to when the token is good for notifications at the gateway: signed by one of
// its keys, for it, now, with the scope d1:notify, and not ended by a suspension or deletion of the client. Any error wraps ErrInvalid.
// The gateway must be of the snapshot.
func (v *Verifier) Verify(g *serving.Gateway, snapshot *serving.Snapshot, raw string, now time.Time) (*serving.Client, error) {
	c, err := v.verifySignature(g, raw)
	if err != nil {
		return nil, err
	}
	if err := c.check(g, now); err != nil {
		return nil, err
	}
	client := snapshot.ClientOf(g, c.ClientID)
	switch {
	case client == nil:
		return nil, invalid("its client does not exist")
	case client.Suspended:
		return nil, invalid("its client is suspended")
	case c.IssuedAt.Unix() < client.TokensNotBefore.Unix():
		return nil, invalid("it was issued before the client was created or suspended")
	}
	return client, nil
}

// verifySignature answers the claims of a token that a key of the gateway has signed.
func (v *Verifier) verifySignature(g *serving.Gateway, raw string) (*claims, error) {
	if len(raw) > MaxTokenBytes {
		return nil, invalid("it is too long")
	}
	sum := sha256.Sum256([]byte(raw))
	// A key object belongs to one compiled gateway, so this remembers nothing across gateways or changes of keys.
	if known, ok := v.memory.get(sum); ok && g.VerificationKey(known.key.ID) == known.key {
		return known.claims, nil
	}
	var key *serving.Key
	parsed, err := v.parser.ParseWithClaims(raw, new(claims), func(t *jwt.Token) (any, error) {
		var err error
		key, err = keyFor(g, t)
		if err != nil {
			return nil, err
		}
		return key.Public, nil
	})
	if err != nil {
		// The library's error may quote parts of the token.
		return nil, invalid(reason(err))
	}
	c := parsed.Claims.(*claims)
	v.memory.put(sum, verified{c, key})
	return c, nil
}

// keyFor chooses the key by kid and refuses a token whose header does not go with it: the key decides over the algorithm, never the
// token (RFC 8725 section 3.1).
func keyFor(g *serving.Gateway, t *jwt.Token) (*serving.Key, error) {
	typ, _ := t.Header["typ"].(string)
	// RFC 9068 section 4: "at+jwt" or the full media type.
	if !strings.EqualFold(typ, headerType) && !strings.EqualFold(typ, "application/"+headerType) {
		return nil, jwt.ErrTokenMalformed
	}
	if _, critical := t.Header["crit"]; critical {
		return nil, jwt.ErrTokenMalformed // RFC 7515 section 4.1.11: no extension is understood here
	}
	kid, _ := t.Header["kid"].(string)
	key := g.VerificationKey(kid)
	if key == nil || t.Method.Alg() != string(key.Algorithm) {
		return nil, jwt.ErrTokenUnverifiable
	}
	return key, nil
}

func reason(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return "no key of the gateway goes with its header"
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return "its signature or algorithm is wrong"
	default:
		return "it is not an access token"
	}
}

// check looks at everything in the claims that the gateway and the clock decide.
func (c *claims) check(g *serving.Gateway, now time.Time) error {
	switch {
	case c.Issuer != g.Issuer || !slices.Contains(c.Audience, g.Issuer):
		return invalid("it is for another gateway")
	case c.ClientID == "" || c.ClientID != c.Subject:
		return invalid("it names no client")
	case c.ExpiresAt == nil || !now.Before(c.ExpiresAt.Add(maxSkew)):
		return invalid("it has expired")
	case c.IssuedAt == nil || c.IssuedAt.After(now.Add(maxSkew)):
		return invalid("it was issued in the future")
	case c.NotBefore != nil && c.NotBefore.After(now.Add(maxSkew)):
		return invalid("it is not valid yet")
	case !slices.Contains(strings.Split(c.Scope, " "), api.NotifyScope):
		return invalid("it lacks the scope " + api.NotifyScope)
	}
	return nil
}

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

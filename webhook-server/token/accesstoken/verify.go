package accesstoken

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// MaxTokenBytes bounds an access token; a longer one is refused unread. It is longer than any that Append makes of a
// valid document.
const MaxTokenBytes = 5 << 10

// ErrInvalid says that an access token must not be accepted. What wraps it says why, for a log; it never repeats the token.
var ErrInvalid = errors.New("invalid access token")

// ErrUncertain says that nothing speaks against an access token, but that its client may be in a document that cannot be served yet.
var ErrUncertain = errors.New("the token's client may be in a document that cannot be served yet")

// Token is a live access token.
type Token struct {
	*Claims
	// Client is who it was issued to.
	Client *serving.Client
}

// Verifier checks access tokens. It remembers which signatures held, so that a token used for many notifications is verified once;
// everything else is checked each time. It may be used by many goroutines at once.
type Verifier struct {
	parser      *jwt.Parser
	memory      *memory
	revocations *Revocations
}

// NewVerifier makes a Verifier that remembers about the given number of tokens, and never more than twice as many.
func NewVerifier(remember int, revocations *Revocations) *Verifier {
	algorithms := []string{string(api.ES256), string(api.EdDSA), string(api.RS256)}
	return &Verifier{
		parser:      jwt.NewParser(jwt.WithValidMethods(algorithms), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding()),
		memory:      newMemory(remember),
		revocations: revocations,
	}
}

// Verify answers an access token that is live at the gateway: signed by one of its keys, for it, now, not revoked, and not ended by a
// suspension or deletion of its client. What it may be used for is the caller's to check. The error is ErrUncertain, or wraps
// ErrInvalid. The gateway must be of the snapshot.
func (v *Verifier) Verify(g *serving.Gateway, snapshot *serving.Snapshot, raw string, now time.Time) (Token, error) {
	c, err := v.verifySignature(g, raw)
	if err != nil {
		return Token{}, err
	}
	if err := c.check(g, now); err != nil {
		return Token{}, err
	}
	client := snapshot.ClientOf(g, c.ClientID)
	switch {
	case client == nil && snapshot.Incomplete():
		return Token{}, ErrUncertain
	case client == nil:
		return Token{}, invalid("its client does not exist")
	case client.Suspended:
		return Token{}, invalid("its client is suspended")
	case c.ClientUID != "" && c.ClientUID != client.UID:
		return Token{}, invalid("it was issued to an earlier client of the same id")
	case c.IssuedAt.Unix() < client.TokensNotBefore.Unix():
		return Token{}, invalid("it was issued before the client was created or suspended")
	case v.revocations.Has(g.GatewayID, c.ID):
		return Token{}, invalid("it was revoked")
	}
	return Token{c, client}, nil
}

// verifySignature answers the claims of a token that a key of the gateway has signed.
func (v *Verifier) verifySignature(g *serving.Gateway, raw string) (*Claims, error) {
	if len(raw) > MaxTokenBytes {
		return nil, invalid("it is too long")
	}
	sum := sha256.Sum256([]byte(raw))
	// A key object belongs to one compiled gateway, so this remembers nothing across gateways or changes of keys.
	if known, ok := v.memory.get(sum); ok && g.VerificationKey(known.key.ID) == known.key {
		return known.claims, nil
	}
	var key *serving.Key
	unread := new(unreadClaims)
	_, err := v.parser.ParseWithClaims(raw, unread, func(t *jwt.Token) (any, error) {
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
	c := new(Claims)
	if json.Unmarshal(*unread, c) != nil {
		return nil, invalid("its claims are not those of an access token")
	}
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

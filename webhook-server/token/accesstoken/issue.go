package token

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// headerType is the typ of an access token (RFC 9068 section 2.1).
const headerType = "at+jwt"

// jtiBytes is 128 bits: no two tokens share one.
const jtiBytes = 16

// maxSkew is how far the clocks of servers, operator and D1 may be apart.
const maxSkew = 60 * time.Second

// signingMethod answers the method for an algorithm of the closed list, or nil.
func signingMethod(a api.Algorithm) jwt.SigningMethod {
	switch a {
	case api.ES256:
		return jwt.SigningMethodES256
	case api.EdDSA:
		return jwt.SigningMethodEdDSA
	case api.RS256:
		return jwt.SigningMethodRS256
	default:
		return nil
	}
}

// issuedAt is the iat of a token issued now. TokensNotBefore was set by the operator's clock; when ours is a little behind, a token
// with our time would be dead before its first use.
func issuedAt(client *serving.Client, now time.Time) time.Time {
	if ahead := client.TokensNotBefore.Sub(now); ahead > 0 && ahead <= maxSkew {
		return client.TokensNotBefore
	}
	return now
}

// appendToken appends a signed access token (RFC 9068 section 2.2) to b. The claims are written by hand: this is the server's hottest
// path, and every value but three is made here.
func appendToken(b []byte, client *serving.Client, scope string, issued, expires time.Time) ([]byte, error) {
	g := client.Gateway
	key := g.SigningKey(issued)
	method := signingMethod(key.Algorithm)
	start := len(b)

	var scratch [512]byte
	part := append(scratch[:0], `{"alg":"`...)
	part = append(part, key.Algorithm...)
	part = append(part, `","typ":"`+headerType+`","kid":`...)
	part = appendJSON(part, key.ID)
	b = base64.RawURLEncoding.AppendEncode(b, append(part, '}'))
	b = append(b, '.')

	var jti [jtiBytes]byte
	_, _ = rand.Read(jti[:]) // it never fails: crypto/rand ends the program instead
	part = append(part[:0], `{"iss":`...)
	part = appendJSON(part, g.Issuer)
	part = append(part, `,"aud":`...)
	part = appendJSON(part, g.Issuer)
	part = append(part, `,"sub":`...)
	part = appendJSON(part, client.ClientID)
	part = append(part, `,"client_id":`...)
	part = appendJSON(part, client.ClientID)
	part = append(part, `,"scope":`...)
	part = appendJSON(part, scope)
	part = append(part, `,"iat":`...)
	part = strconv.AppendInt(part, issued.Unix(), 10)
	part = append(part, `,"exp":`...)
	part = strconv.AppendInt(part, expires.Unix(), 10)
	part = append(part, `,"jti":"`...)
	part = base64.RawURLEncoding.AppendEncode(part, jti[:])
	b = base64.RawURLEncoding.AppendEncode(b, append(part, `"}`...))

	signature, err := method.Sign(string(b[start:]), key.Private)
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", key.ID, err)
	}
	b = append(b, '.')
	return base64.RawURLEncoding.AppendEncode(b, signature), nil
}

// appendJSON appends a JSON string.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// Package accesstoken issues and verifies access tokens (RFC 9068), and ends them before their time (RFC 7009).
package accesstoken

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// headerType is the typ of an access token (RFC 9068 section 2.1).
const headerType = "at+jwt"

// jtiBytes is 128 bits: no two tokens share one.
const jtiBytes = 16

// MaxSkew is how far the clocks of servers, operator and D1 may be apart.
const MaxSkew = 60 * time.Second

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

// IssuedAt is the iat of a token issued now. TokensNotBefore was set by the operator's clock; when ours is a little behind, a token
// with our time would be dead before its first use.
func IssuedAt(client *serving.Client, now time.Time) time.Time {
	if ahead := client.TokensNotBefore.Sub(now); ahead > 0 && ahead <= MaxSkew {
		return client.TokensNotBefore
	}
	return now
}

// Grant is what a token says beside who issued it and to whom.
type Grant struct {
	Scope           string
	Issued, Expires time.Time
	// Thumbprint binds the token to a client certificate (RFC 8705 section 3.1, x5t#S256); empty binds it to nothing.
	Thumbprint string
}

// Append appends a signed access token (RFC 9068 section 2.2) to b. The claims are written by hand: this is the server's hottest
// path, and every value but three is made here.
func Append(b []byte, client *serving.Client, grant Grant) ([]byte, error) {
	g := client.Gateway
	key := g.SigningKey(grant.Issued)
	method := signingMethod(key.Algorithm)
	start := len(b)

	var scratch [512]byte
	part := append(scratch[:0], `{"alg":"`...)
	part = append(part, key.Algorithm...)
	part = append(part, `","typ":"`+headerType+`","kid":`...)
	part = httpx.AppendString(part, key.ID)
	b = base64.RawURLEncoding.AppendEncode(b, append(part, '}'))
	b = append(b, '.')

	var jti [jtiBytes]byte
	_, _ = rand.Read(jti[:]) // it never fails: crypto/rand ends the program instead
	part = append(part[:0], `{"iss":`...)
	part = httpx.AppendString(part, g.Issuer)
	part = append(part, `,"aud":`...)
	part = httpx.AppendString(part, g.Issuer)
	part = append(part, `,"sub":`...)
	part = httpx.AppendString(part, client.ClientID)
	part = append(part, `,"client_id":`...)
	part = httpx.AppendString(part, client.ClientID)
	if client.UID != "" {
		part = append(part, `,"client_uid":`...)
		part = httpx.AppendString(part, client.UID)
	}
	part = append(part, `,"scope":`...)
	part = httpx.AppendString(part, grant.Scope)
	part = append(part, `,"iat":`...)
	part = strconv.AppendInt(part, grant.Issued.Unix(), 10)
	part = append(part, `,"exp":`...)
	part = strconv.AppendInt(part, grant.Expires.Unix(), 10)
	if grant.Thumbprint != "" {
		part = append(part, `,"cnf":{"x5t#S256":`...)
		part = append(httpx.AppendString(part, grant.Thumbprint), '}')
	}
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

package clientauth

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// assertionLifetime is how long an assertion works, and with the skew on both sides how long its jti must be remembered.
	assertionLifetime = 10 * time.Minute
	// maxAssertionExpiry is how far ahead an assertion that says when it was issued may claim to expire: some clients write an hour
	// into each, and use it at once.
	maxAssertionExpiry = time.Hour
	// assertionSkew is how far the clocks of client and server may be apart.
	assertionSkew = 60 * time.Second
)

// claims are those of RFC 7523 section 3. Dates are in seconds since 1970; nil when they are missing.
type claims struct {
	issuer, subject, id        string
	audience                   jwt.ClaimStrings // text or a list (RFC 7519 section 4.1.3)
	expires, notBefore, issued *float64
}

// decodeClaims reads claims by their exact names (RFC 7519 section 4), and dates as numbers only (section 2).
func decodeClaims(payload []byte) (claims, error) {
	var c claims
	err := httpx.Members(payload, map[string]any{
		"iss": &c.issuer, "sub": &c.subject, "aud": &c.audience, "jti": &c.id, "exp": &c.expires, "nbf": &c.notBefore, "iat": &c.issued,
	})
	if err != nil {
		return claims{}, errors.New("its claims cannot be read") // the error may repeat a part of them
	}
	return c, nil
}

// check looks at what the claims say.
func (c claims) check(client *serving.Client, at time.Time) error {
	now, skew := float64(at.UnixNano())/1e9, assertionSkew.Seconds()
	switch {
	case c.issuer != client.ClientID || c.subject != client.ClientID:
		return errors.New("it is of another client")
	case !slices.ContainsFunc(c.audience, client.Gateway.IsAudience):
		return fmt.Errorf("its aud is none of this gateway's: use %s", client.Gateway.Issuer)
	case c.expires == nil || now >= *c.expires+skew:
		return errors.New("it has expired, or never does")
	case *c.expires > now+maxAssertionExpiry.Seconds()+skew:
		return errors.New("it expires in more than an hour")
	case c.notBefore != nil && *c.notBefore > now+skew, c.issued != nil && *c.issued > now+skew:
		return errors.New("it is not valid yet")
	case c.issued == nil && *c.expires > now+assertionLifetime.Seconds()+skew:
		return errors.New("it has no iat, and expires in more than ten minutes")
	case now >= c.end()+skew:
		return errors.New("it was issued more than ten minutes ago")
	case c.id == "":
		return errors.New("it has no jti: it could be used twice")
	}
	return nil
}

// end is until when the assertion works: its exp, but not longer than assertionLifetime from its iat (RFC 7523 section 3, item 6).
func (c claims) end() float64 {
	if c.issued == nil {
		return *c.expires
	}
	return min(*c.expires, *c.issued+assertionLifetime.Seconds())
}

// forgetAt is when claims that check has passed would pass it no longer.
func (c claims) forgetAt() time.Time {
	return time.Unix(int64(math.Ceil(c.end())), 0).Add(assertionSkew)
}

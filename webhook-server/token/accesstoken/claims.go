package accesstoken

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Claims are those of RFC 9068 section 2.2, and one of our own. They must not be changed: many requests with one token share them.
type Claims struct {
	Issuer   string           `json:"iss"`
	Audience jwt.ClaimStrings `json:"aud"`
	Subject  string           `json:"sub"`
	ClientID string           `json:"client_id"`
	// ClientUID tells the client from a later one with the same client id: dates are whole seconds, and both may live in one. Empty in
	// a token that was issued outside a cluster, or by a server of before this claim.
	ClientUID    string           `json:"client_uid"`
	Scope        string           `json:"scope"`
	IssuedAt     *jwt.NumericDate `json:"iat"`
	ExpiresAt    *jwt.NumericDate `json:"exp"`
	NotBefore    *jwt.NumericDate `json:"nbf"`
	ID           string           `json:"jti"`
	Confirmation Confirmation     `json:"cnf"`
}

// Confirmation says what a token is bound to (RFC 7800).
type Confirmation struct {
	// Thumbprint is that of a client certificate (RFC 8705 section 3.1); empty when the token is bound to none.
	Thumbprint string `json:"x5t#S256"`
}

// UnmarshalJSON reads claims by their exact names (RFC 7519 section 4), where encoding/json would take any letter case, and dates as
// numbers only (section 2).
func (c *Claims) UnmarshalJSON(b []byte) error {
	var issued, expires, notBefore date
	err := httpx.Members(b, map[string]any{
		"iss": &c.Issuer, "aud": &c.Audience, "sub": &c.Subject, "client_id": &c.ClientID, "client_uid": &c.ClientUID, "scope": &c.Scope,
		"iat": &issued, "exp": &expires, "nbf": &notBefore, "jti": &c.ID, "cnf": &c.Confirmation,
	})
	c.IssuedAt, c.ExpiresAt, c.NotBefore = issued.NumericDate, expires.NumericDate, notBefore.NumericDate
	return err
}

// date is a jwt.NumericDate that is not read from text.
type date struct{ *jwt.NumericDate }

// UnmarshalJSON reads a number; null is no date.
func (d *date) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return errDate
	}
	return json.Unmarshal(b, &d.NumericDate)
}

var errDate = errors.New("a date is not a number")

// unreadClaims are what a token says before its signature has held: nobody looks into it, and a forger finds no work for us to do.
type unreadClaims json.RawMessage

// UnmarshalJSON keeps the bytes.
func (u *unreadClaims) UnmarshalJSON(b []byte) error {
	*u = append((*u)[:0], b...)
	return nil
}

// The methods that make unreadClaims a jwt.Claims. The library asks them only when it validates, which is done here instead.

func (*unreadClaims) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }
func (*unreadClaims) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil }
func (*unreadClaims) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (*unreadClaims) GetIssuer() (string, error)                   { return "", nil }
func (*unreadClaims) GetSubject() (string, error)                  { return "", nil }
func (*unreadClaims) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }

// check looks at everything in the claims that the gateway and the clock decide.
func (c *Claims) check(g *serving.Gateway, now time.Time) error {
	switch {
	case c.Issuer != g.Issuer || !slices.Contains(c.Audience, g.Issuer):
		return invalid("it is for another gateway")
	case c.ClientID == "" || c.ClientID != c.Subject:
		return invalid("it names no client")
	case c.ExpiresAt == nil || !now.Before(c.ExpiresAt.Add(MaxSkew)):
		return invalid("it has expired")
	case c.IssuedAt == nil || c.IssuedAt.After(now.Add(MaxSkew)):
		return invalid("it was issued in the future")
	case c.NotBefore != nil && c.NotBefore.After(now.Add(MaxSkew)):
		return invalid("it is not valid yet")
	}
	return nil
}

// Permits answers nil when the token has the scope.
func (c *Claims) Permits(scope string) error {
	if !slices.Contains(strings.Split(c.Scope, " "), scope) {
		return invalid("it lacks the scope " + scope)
	}
	return nil
}

// NeedsCertificate says whether the token works only with the client certificate that it is bound to: because it is bound, or because
// the gateway takes no others.
func (t Token) NeedsCertificate() bool {
	return t.Confirmation.Thumbprint != "" || t.Client.Gateway.CertificateBoundTokens
}

// CheckCertificate answers nil when the token is bound to the client certificate with that thumbprint.
func (t Token) CheckCertificate(thumbprint string) error {
	switch {
	case t.Confirmation.Thumbprint == "":
		return invalid("it is not bound to a client certificate")
	case subtle.ConstantTimeCompare([]byte(t.Confirmation.Thumbprint), []byte(thumbprint)) != 1:
		return invalid("it is bound to another client certificate")
	}
	return nil
}

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

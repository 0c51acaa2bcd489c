package clientauth_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// asserting is a request with a client assertion.
func asserting(assertion string, more ...string) request {
	return post(append([]string{"client_assertion_type", assertionType, "client_assertion", assertion}, more...)...)
}

// keyed is a door of a client with these keys.
func keyed(t *testing.T, keys ...fixture.ClientKey) *door {
	t.Helper()
	d := newDoor(t)
	d.UseKeys(keys...)
	d.Publish()
	return d
}

func TestAssertionsOfEveryAlgorithm(t *testing.T) {
	for _, algorithm := range []string{"ES256", "ES384", "EdDSA", "RS256", "PS256"} {
		t.Run(algorithm, func(t *testing.T) {
			key := fixture.NewClientKey(t, "key-1", algorithm)
			d := keyed(t, key)
			if who := d.wantIn(asserting(d.GenuineAssertion(key).Sign(t)), api.PrivateKeyJWT); who.CredentialID != "key-1" {
				t.Errorf("authenticated by %s", who.CredentialID)
			}
			other := fixture.NewClientKey(t, "key-2", algorithm)
			d.wantRefused(asserting(d.GenuineAssertion(other).Sign(t)), clientauth.BadClient, clientauth.BadAssertion)
		})
	}
}

// What is signed is not read before the signature holds: garbage that nobody has signed is refused as not signed.
func TestTheClaimsAreReadOnlyWhenTheSignatureHolds(t *testing.T) {
	key, another := fixture.NewClientKey(t, "key", "ES256"), fixture.NewClientKey(t, "other", "ES256")
	d := keyed(t, key)
	for signer, detail := range map[*fixture.ClientKey]string{&another: "has signed it", &key: "cannot be read"} {
		a := d.GenuineAssertion(*signer)
		a.Claims["exp"] = []int{1}
		d.log.Reset()
		d.wantRefused(asserting(a.Sign(t)), clientauth.BadClient, clientauth.BadAssertion)
		if !strings.Contains(d.log.String(), detail) {
			t.Errorf("logged %s, want %q", d.log, detail)
		}
	}
}

func TestAMemberThatStandsTwiceIsRefused(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	now := fixture.Now().Unix()
	const header = `{"alg":"ES256"}`
	claims := func(jti, more string) string {
		return fmt.Sprintf(`{"iss":"is_tbank01","sub":"is_tbank01","aud":%q,"exp":%d,"jti":%q%s}`, fixture.Issuer, now+60, jti, more)
	}
	sign := func(header, claims string) request {
		text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
		signature, err := jwt.SigningMethodES256.Sign(text, key.Private)
		if err != nil {
			t.Fatal(err)
		}
		return asserting(text + "." + base64.RawURLEncoding.EncodeToString(signature))
	}
	d.wantIn(sign(header, claims("1", "")), api.PrivateKeyJWT)
	d.wantIn(sign(header, claims("2", `,"x":1,"x":2`)), api.PrivateKeyJWT)
	for name, r := range map[string]request{
		"iss":          sign(header, claims("3", `,"iss":"is_tbank01"`)),
		"aud":          sign(header, claims("4", `,"aud":"x"`)),
		"exp":          sign(header, claims("5", fmt.Sprintf(`,"exp":%d`, now+61))),
		"jti, escaped": sign(header, claims("6", `,"jt\u0069":"x"`)),
		"alg":          sign(`{"alg":"ES256","alg":"ES256"}`, claims("7", "")),
		"kid":          sign(`{"alg":"ES256","kid":"a","kid":"b"}`, claims("8", "")),
	} {
		d.run(name, func(*testing.T) { d.wantRefused(r, clientauth.BadClient, clientauth.BadAssertion) })
	}
}

func TestAssertionsThatAreTaken(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	unix := func(d time.Duration) int64 { return fixture.Now().Add(d).Unix() }
	for name, change := range map[string]func(*fixture.JWT){
		"aud is the issuer":                func(a *fixture.JWT) { a.Claims["aud"] = fixture.Issuer },
		"aud is the Ecom token URL":        func(a *fixture.JWT) { a.Claims["aud"] = "https://d1.acme.example" + fixture.TokenPath },
		"aud is the Issuer token URL":      func(a *fixture.JWT) { a.Claims["aud"] = "https://d1.acme.example" + fixture.IssuerTokenPath },
		"aud is a token URL on a hostname": func(a *fixture.JWT) { a.Claims["aud"] = "https://second.acme.example" + fixture.TokenPath },
		"aud is the introspection URL":     func(a *fixture.JWT) { a.Claims["aud"] = fixture.Issuer + "/oauth2/introspect" },
		"aud is the revocation URL":        func(a *fixture.JWT) { a.Claims["aud"] = fixture.Issuer + "/oauth2/revoke" },
		"aud is a list with the issuer":    func(a *fixture.JWT) { a.Claims["aud"] = []string{"https://else.example", fixture.Issuer} },
		"exp is just past, within 60 s":    func(a *fixture.JWT) { a.Claims["exp"] = unix(-59 * time.Second) },
		"exp is an hour ahead":             func(a *fixture.JWT) { a.Claims["exp"] = unix(time.Hour) },
		"exp is ten minutes ahead, no iat": func(a *fixture.JWT) { delete(a.Claims, "iat"); a.Claims["exp"] = unix(10 * time.Minute) },
		"iat is almost ten minutes past":   func(a *fixture.JWT) { a.Claims["iat"] = unix(-10 * time.Minute) },
		"a claim in another letter case":   func(a *fixture.JWT) { a.Claims["EXP"], a.Claims["Sub"] = 0, "is_tbank02" },
		"exp has a fraction":               func(a *fixture.JWT) { a.Claims["exp"] = float64(unix(time.Minute)) + 0.5 },
		"nbf is now":                       func(a *fixture.JWT) { a.Claims["nbf"] = unix(0) },
		"nbf is 60 s ahead":                func(a *fixture.JWT) { a.Claims["nbf"] = unix(60 * time.Second) },
		"iat is 60 s ahead":                func(a *fixture.JWT) { a.Claims["iat"] = unix(60 * time.Second) },
		"no iat":                           func(a *fixture.JWT) { delete(a.Claims, "iat") },
		"no typ":                           func(a *fixture.JWT) { delete(a.Header, "typ") },
		"typ client-authentication+jwt":    func(a *fixture.JWT) { a.Header["typ"] = "client-authentication+jwt" },
		"typ anything":                     func(a *fixture.JWT) { a.Header["typ"] = "anything" },
		"claims nobody knows":              func(a *fixture.JWT) { a.Claims["x"] = map[string]any{"y": []int{1}} },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			d.UseKeys(key)
			d.Gateway.Hostnames = []string{"d1.acme.example", "second.acme.example", "example.com"}
			d.Publish()
			a := d.GenuineAssertion(key)
			change(a)
			d.wantIn(asserting(a.Sign(t)), api.PrivateKeyJWT)
		})
	}
}

// publicPEM is what an attacker would take for the key of an HMAC.
func publicPEM(t *testing.T, key fixture.ClientKey) (text, der []byte) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), der
}

func TestAssertionsThatAreRefused(t *testing.T) {
	key, another := fixture.NewClientKey(t, "key", "ES256"), fixture.NewClientKey(t, "other", "ES256")
	edwards, larger := fixture.NewClientKey(t, "ed", "EdDSA"), fixture.NewClientKey(t, "p384", "ES384")
	d := keyed(t, key)
	other := d.Another("globex", "MGW_000002", "is_tbank02")
	other.UseKeys(another)
	other.Publish()
	text, der := publicPEM(t, key)
	hmac := func(method jwt.SigningMethod, with []byte) func(*fixture.JWT) {
		return func(a *fixture.JWT) { a.Header["alg"], a.Method, a.Key = method.Alg(), method, with }
	}
	unix := func(d time.Duration) int64 { return fixture.Now().Add(d).Unix() }
	var cases byte
	for name, spoil := range map[string]func(*fixture.JWT){
		"alg none": func(a *fixture.JWT) {
			a.Header["alg"], a.Method, a.Key = "none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
		},
		"alg none in the header only":     func(a *fixture.JWT) { a.Header["alg"] = "none" },
		"HS256 with the public key's PEM": hmac(jwt.SigningMethodHS256, text),
		"HS256 with the PEM, trimmed":     hmac(jwt.SigningMethodHS256, bytes.TrimSpace(text)),
		"HS256 with the public key's DER": hmac(jwt.SigningMethodHS256, der),
		"HS512 with the public key's PEM": hmac(jwt.SigningMethodHS512, text),
		"another key":                     func(a *fixture.JWT) { a.Key = another.Private },
		"another kind of key": func(a *fixture.JWT) {
			a.Header["alg"], a.Method, a.Key = "EdDSA", jwt.SigningMethodEdDSA, edwards.Private
		},
		"a larger curve": func(a *fixture.JWT) {
			a.Header["alg"], a.Method, a.Key = "ES384", jwt.SigningMethodES384, larger.Private
		},
		"the header names another alg":           func(a *fixture.JWT) { a.Header["alg"] = "ES384" },
		"a critical extension":                   func(a *fixture.JWT) { a.Header["crit"] = []string{"exp"} },
		"a critical extension that is not text":  func(a *fixture.JWT) { a.Header["crit"] = nil },
		"sub is another client":                  func(a *fixture.JWT) { a.Claims["sub"] = "is_tbank02" },
		"iss is another client":                  func(a *fixture.JWT) { a.Claims["iss"] = "is_tbank02" },
		"no sub":                                 func(a *fixture.JWT) { delete(a.Claims, "sub") },
		"no iss":                                 func(a *fixture.JWT) { delete(a.Claims, "iss") },
		"neither":                                func(a *fixture.JWT) { delete(a.Claims, "iss"); delete(a.Claims, "sub") },
		"iss and sub in another letter case":     func(a *fixture.JWT) { delete(a.Claims, "iss"); a.Claims["ISS"] = "is_tbank02" },
		"no aud":                                 func(a *fixture.JWT) { delete(a.Claims, "aud") },
		"aud is an empty list":                   func(a *fixture.JWT) { a.Claims["aud"] = []string{} },
		"aud is the other gateway's issuer":      func(a *fixture.JWT) { a.Claims["aud"] = other.Gateway.Issuer },
		"aud is a path":                          func(a *fixture.JWT) { a.Claims["aud"] = fixture.TokenPath },
		"aud is a host without path":             func(a *fixture.JWT) { a.Claims["aud"] = "https://d1.acme.example" },
		"aud is the issuer with a slash":         func(a *fixture.JWT) { a.Claims["aud"] = fixture.Issuer + "/" },
		"aud is the token URL in plain HTTP":     func(a *fixture.JWT) { a.Claims["aud"] = "http://d1.acme.example" + fixture.TokenPath },
		"aud is the token URL of an evil host":   func(a *fixture.JWT) { a.Claims["aud"] = "https://d1.acme.example.evil.example" + fixture.TokenPath },
		"aud is the token URL of the Host asked": func(a *fixture.JWT) { a.Claims["aud"] = "https://example.com" + fixture.TokenPath },
		"aud is not text":                        func(a *fixture.JWT) { a.Claims["aud"] = 1 },
		"no exp":                                 func(a *fixture.JWT) { delete(a.Claims, "exp") },
		"exp in another letter case":             func(a *fixture.JWT) { delete(a.Claims, "exp"); a.Claims["Exp"] = unix(time.Minute) },
		"exp is a number in quotes":              func(a *fixture.JWT) { a.Claims["exp"] = strconv.FormatInt(unix(time.Minute), 10) },
		"nbf is a number in quotes":              func(a *fixture.JWT) { a.Claims["nbf"] = strconv.FormatInt(unix(0), 10) },
		"iat is a number in quotes":              func(a *fixture.JWT) { a.Claims["iat"] = strconv.FormatInt(unix(0), 10) },
		"jti in another letter case":             func(a *fixture.JWT) { delete(a.Claims, "jti"); a.Claims["JTI"] = "x" },
		"aud in another letter case":             func(a *fixture.JWT) { delete(a.Claims, "aud"); a.Claims["Aud"] = fixture.Issuer },
		"sub in another letter case":             func(a *fixture.JWT) { delete(a.Claims, "sub"); a.Claims["SUB"] = fixture.ClientID },
		"issued more than ten minutes ago":       func(a *fixture.JWT) { a.Claims["iat"], a.Claims["exp"] = unix(-11*time.Minute), unix(time.Minute) },
		"no iat, and exp is further ahead":       func(a *fixture.JWT) { delete(a.Claims, "iat"); a.Claims["exp"] = unix(11*time.Minute + time.Second) },
		"exp is null":                            func(a *fixture.JWT) { a.Claims["exp"] = nil },
		"exp is text":                            func(a *fixture.JWT) { a.Claims["exp"] = "soon" },
		"exp is past by the whole skew":          func(a *fixture.JWT) { a.Claims["exp"] = unix(-60 * time.Second) },
		"exp is far ahead":                       func(a *fixture.JWT) { a.Claims["exp"] = unix(2 * time.Hour) },
		"exp is beyond all time":                 func(a *fixture.JWT) { a.Claims["exp"] = 1e300 },
		"exp is beyond what 64 bits hold":        func(a *fixture.JWT) { a.Claims["exp"] = 9.3e18 },
		"exp is long before all time":            func(a *fixture.JWT) { a.Claims["exp"] = -1e300 },
		"exp is zero":                            func(a *fixture.JWT) { a.Claims["exp"] = 0 },
		"nbf is ahead":                           func(a *fixture.JWT) { a.Claims["nbf"] = unix(61 * time.Second) },
		"iat is ahead":                           func(a *fixture.JWT) { a.Claims["iat"] = unix(61 * time.Second) },
		"no jti":                                 func(a *fixture.JWT) { delete(a.Claims, "jti") },
		"an empty jti":                           func(a *fixture.JWT) { a.Claims["jti"] = "" },
		"a jti that is not text":                 func(a *fixture.JWT) { a.Claims["jti"] = 1 },
		"too long":                               func(a *fixture.JWT) { a.Claims["x"] = strings.Repeat("x", 4<<10) },
	} {
		d.run(name, func(t *testing.T) {
			cases++
			d.source = netip.AddrFrom4([4]byte{10, 0, 0, cases}).String() // each case has a count of failures of its own
			a := d.GenuineAssertion(key)
			maps.Copy(a.Header, map[string]any{"kid": "any"})
			spoil(a)
			raw := a.Sign(t)
			d.log.Reset()
			d.wantRefused(asserting(raw), clientauth.BadClient, clientauth.BadAssertion)
			for _, part := range strings.Split(raw, ".") {
				if part != "" && strings.Contains(d.log.String(), part) {
					t.Errorf("the log repeats the assertion: %s", d.log)
				}
			}
		})
	}
	d.wantIn(asserting(d.GenuineAssertion(key).Sign(t)), api.PrivateKeyJWT)
}

package accesstoken_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

func newVerifier() *accesstoken.Verifier {
	return accesstoken.NewVerifier(16, new(accesstoken.Revocations))
}

// verify answers the client of a token that may be used for notifications.
func verify(w *fixture.World, raw string, now time.Time) (*serving.Client, error) {
	live, err := newVerifier().Verify(w.Compiled(), w.Snapshot(), raw, now)
	if err != nil {
		return nil, err
	}
	if err := live.Permits(api.NotifyScope); err != nil {
		return nil, err
	}
	return live.Client, nil
}

func TestTokensThatAreRefused(t *testing.T) {
	w := fixture.New(t)
	other := w.Another("globex", "MGW_000002", "is_tbank02")
	public := w.Compiled().SigningKey(fixture.Now()).Public.(*ecdsa.PublicKey)
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	otherKey := other.Compiled().SigningKey(fixture.Now()).Private
	edwards := fixture.NewClientKey(t, "ed", "EdDSA").Private
	if _, err := verify(w, w.GenuineToken().Sign(t), fixture.Now()); err != nil {
		t.Fatalf("the genuine token is refused: %v", err)
	}
	unix := func(d time.Duration) int64 { return fixture.Now().Add(d).Unix() }
	for name, spoil := range map[string]func(*fixture.JWT){
		"alg:none": func(f *fixture.JWT) {
			f.Header["alg"], f.Method, f.Key = "none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
		},
		"alg none in the header only":      func(f *fixture.JWT) { f.Header["alg"] = "none" },
		"HMAC with the public key":         func(f *fixture.JWT) { f.Header["alg"], f.Method, f.Key = "HS256", jwt.SigningMethodHS256, publicDER },
		"other key type":                   func(f *fixture.JWT) { f.Header["alg"], f.Method, f.Key = "EdDSA", jwt.SigningMethodEdDSA, edwards },
		"the header names another alg":     func(f *fixture.JWT) { f.Header["alg"] = "RS256" },
		"another key under our kid":        func(f *fixture.JWT) { f.Key = otherKey },
		"another gateway's kid":            func(f *fixture.JWT) { f.Key = otherKey; f.Header["kid"] = "globex-key-1" },
		"no kid":                           func(f *fixture.JWT) { delete(f.Header, "kid") },
		"a kid that is not text":           func(f *fixture.JWT) { f.Header["kid"] = 1 },
		"typ of an ID token":               func(f *fixture.JWT) { f.Header["typ"] = "JWT" },
		"no typ":                           func(f *fixture.JWT) { delete(f.Header, "typ") },
		"a critical extension":             func(f *fixture.JWT) { f.Header["crit"] = []string{"b64"} },
		"another gateway's iss":            func(f *fixture.JWT) { f.Claims["iss"] = other.Gateway.Issuer },
		"another gateway's aud":            func(f *fixture.JWT) { f.Claims["aud"] = other.Gateway.Issuer },
		"no aud":                           func(f *fixture.JWT) { delete(f.Claims, "aud") },
		"no exp":                           func(f *fixture.JWT) { delete(f.Claims, "exp") },
		"expired beyond 60 s skew":         func(f *fixture.JWT) { f.Claims["exp"] = unix(-60 * time.Second) },
		"no iat":                           func(f *fixture.JWT) { delete(f.Claims, "iat") },
		"issued beyond 60 s in the future": func(f *fixture.JWT) { f.Claims["iat"] = unix(61 * time.Second) },
		"not valid for more than 60 s yet": func(f *fixture.JWT) { f.Claims["nbf"] = unix(61 * time.Second) },
		"issued before the client existed": func(f *fixture.JWT) { f.Claims["iat"] = unix(-24*time.Hour - time.Second) },
		"without the needed scope":         func(f *fixture.JWT) { f.Claims["scope"] = "d1:notifyx d1:read" },
		"without any scope":                func(f *fixture.JWT) { delete(f.Claims, "scope") },
		"an unknown client":                func(f *fixture.JWT) { f.Claims["sub"], f.Claims["client_id"] = "nobody", "nobody" },
		"another gateway's client":         func(f *fixture.JWT) { f.Claims["sub"], f.Claims["client_id"] = "is_tbank02", "is_tbank02" },
		"sub and client_id that differ":    func(f *fixture.JWT) { f.Claims["sub"] = "is_tbank02" },
		"a uid of another client":          func(f *fixture.JWT) { f.Claims["client_uid"] = "0b3c" },
		"a uid that is not text":           func(f *fixture.JWT) { f.Claims["client_uid"] = 1 },
		"no client":                        func(f *fixture.JWT) { delete(f.Claims, "client_id"); delete(f.Claims, "sub") },
		"a cnf that is not an object":      func(f *fixture.JWT) { f.Claims["cnf"] = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			f := w.GenuineToken()
			spoil(f)
			raw := f.Sign(t)
			client, err := verify(w, raw, fixture.Now())
			if !errors.Is(err, accesstoken.ErrInvalid) || client != nil {
				t.Fatalf("got %v, %v", client, err)
			}
			for _, part := range strings.Split(raw, ".") {
				if part != "" && strings.Contains(err.Error(), part) {
					t.Errorf("the error repeats the token: %v", err)
				}
			}
		})
	}
}

func TestGarbageAndAlteredTokensAreRefused(t *testing.T) {
	w := fixture.New(t)
	good := w.GenuineToken().Sign(t)
	for name, raw := range map[string]string{
		"nothing": "", "a word": "abc", "dots": "..", "four parts": good + ".x", "two parts": good[:strings.LastIndex(good, ".")],
		"no signature": good[:strings.LastIndex(good, ".")+1], "too long": good + strings.Repeat("A", accesstoken.MaxTokenBytes), "padding": good + "=",
		"a space inside": strings.Replace(good, ".", " .", 1), "not base64": "!" + good[1:], "bytes that are no text": "\xff\x00.\x00.\x00",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := verify(w, raw, fixture.Now()); !errors.Is(err, accesstoken.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	for i := range good {
		other := byte('A')
		if good[i] == other {
			other = 'B'
		}
		altered := good[:i] + string(other) + good[i+1:]
		if _, err := verify(w, altered, fixture.Now()); !errors.Is(err, accesstoken.ErrInvalid) {
			t.Fatalf("a token altered at byte %d is accepted", i)
		}
	}
}

func TestTimeLimitsOfAToken(t *testing.T) {
	w := fixture.New(t)
	raw := w.GenuineToken().Sign(t)
	for name, c := range map[string]struct {
		after time.Duration
		good  bool
	}{
		"by a clock that is 60 s behind":           {-60 * time.Second, true},
		"by a clock that is more than 60 s behind": {-61 * time.Second, false},
		"just before it expires":                   {15*time.Minute - time.Second, true},
		"within 60 s after it has expired":         {15*time.Minute + 59*time.Second, true},
		"60 s after it has expired":                {15*time.Minute + 60*time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := verify(w, raw, fixture.Now().Add(c.after)); (err == nil) != c.good {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	w := fixture.New(f)
	g, snapshot := w.Compiled(), w.Snapshot()
	for _, s := range []string{
		"", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
		"eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImFjbWUta2V5LTEifQ.e30.c2ln", "eyJhbGciOiJIUzI1NiJ9.W10.AA", "bnVsbA.bnVsbA.AA",
	} {
		f.Add(s)
	}
	v := newVerifier()
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := v.Verify(g, snapshot, raw, fixture.Now()); !errors.Is(err, accesstoken.ErrInvalid) {
			t.Errorf("got %v for a token that no key has signed", err)
		}
	})
}

package token_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token"
)

// forged is a token as an attacker, or an old version of us, might make it.
type forged struct {
	header, claims map[string]any
	method         jwt.SigningMethod
	key            any
}

// genuine is a token like those of the endpoint, signed by the gateway's key, ready to be spoilt.
func genuine(w *fixture.World) *forged {
	g := w.Compiled()
	key := g.SigningKey(fixture.Now())
	method := map[api.Algorithm]jwt.SigningMethod{api.ES256: jwt.SigningMethodES256, api.EdDSA: jwt.SigningMethodEdDSA, api.RS256: jwt.SigningMethodRS256}[key.Algorithm]
	return &forged{
		header: map[string]any{"alg": string(key.Algorithm), "typ": "at+jwt", "kid": key.ID},
		claims: map[string]any{
			"iss": g.Issuer, "aud": g.Issuer, "sub": w.Client.ClientID, "client_id": w.Client.ClientID, "scope": "d1:notify",
			"iat": fixture.Now().Unix(), "exp": fixture.Now().Add(15 * time.Minute).Unix(), "jti": "x",
		},
		method: method,
		key:    key.Private,
	}
}

func (f *forged) sign(t *testing.T) string {
	t.Helper()
	signed := &jwt.Token{Header: f.header, Claims: jwt.MapClaims(f.claims), Method: f.method}
	raw, err := signed.SignedString(f.key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func verify(w *fixture.World, raw string, now time.Time) (*serving.Client, error) {
	return token.NewVerifier(16).Verify(w.Compiled(), w.Snapshot(), raw, now)
}

func TestATokenOfTheEndpointIsGood(t *testing.T) {
	for _, algorithm := range []api.Algorithm{api.ES256, api.EdDSA, api.RS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			e := newEndpoint(t)
			e.Secrets.SigningKeys = append(e.Secrets.SigningKeys, fixture.SigningKey(t, "next", algorithm, fixture.Now()))
			e.Gateway.SigningKeys = []string{"next"}
			e.Publish()
			client, err := verify(e.World, e.issue(), fixture.Now())
			if err != nil || client.ClientID != fixture.ClientID {
				t.Errorf("got %v, %v", client, err)
			}
		})
	}
}

func TestClaimsFollowRFC9068(t *testing.T) {
	e := newEndpoint(t)
	parts := strings.Split(e.issue(), ".")
	decode := func(part string) map[string]any {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(raw, &members); err != nil {
			t.Fatal(err)
		}
		return members
	}
	header, claims := decode(parts[0]), decode(parts[1])
	for name, want := range map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": "acme-key-1"} {
		if header[name] != want {
			t.Errorf("%s is %v, want %v", name, header[name], want)
		}
	}
	now := float64(fixture.Now().Unix())
	for name, want := range map[string]any{
		"iss": fixture.Issuer, "aud": fixture.Issuer, "sub": fixture.ClientID, "client_id": fixture.ClientID, "scope": "d1:notify", "iat": now, "exp": now + 900,
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	jti, err := base64.RawURLEncoding.DecodeString(claims["jti"].(string))
	if err != nil || len(jti) != 16 {
		t.Errorf("jti has %d bytes, %v", len(jti), err)
	}
	if first, second := e.issue(), e.issue(); first == second {
		t.Error("two tokens are the same")
	}
}

func TestAClientIdThatJSONMustEscape(t *testing.T) {
	e := newEndpoint(t)
	e.Client.ClientID = `a"b\c<d`
	e.Publish()
	r := t0()
	r.authorization = []string{fixture.BasicAuthorization(e.Client.ClientID, fixture.ClientSecret)}
	raw := e.wantOK(e.send(r))["access_token"].(string)
	if client, err := verify(e.World, raw, e.now); err != nil || client.ClientID != e.Client.ClientID {
		t.Errorf("got %v, %v", client, err)
	}
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
	if _, err := verify(w, genuine(w).sign(t), fixture.Now()); err != nil {
		t.Fatalf("the genuine token is refused: %v", err)
	}
	unix := func(d time.Duration) int64 { return fixture.Now().Add(d).Unix() }
	for name, spoil := range map[string]func(*forged){
		"alg:none": func(f *forged) {
			f.header["alg"], f.method, f.key = "none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
		},
		"alg none in the header only":      func(f *forged) { f.header["alg"] = "none" },
		"HMAC with the public key":         func(f *forged) { f.header["alg"], f.method, f.key = "HS256", jwt.SigningMethodHS256, publicDER },
		"other key type":                   func(f *forged) { f.header["alg"], f.method, f.key = "EdDSA", jwt.SigningMethodEdDSA, newEdDSA(t) },
		"the header names another alg":     func(f *forged) { f.header["alg"] = "RS256" },
		"another key under our kid":        func(f *forged) { f.key = otherKey },
		"another gateway's kid":            func(f *forged) { f.key = otherKey; f.header["kid"] = "globex-key-1" },
		"no kid":                           func(f *forged) { delete(f.header, "kid") },
		"a kid that is not text":           func(f *forged) { f.header["kid"] = 1 },
		"typ of an ID token":               func(f *forged) { f.header["typ"] = "JWT" },
		"no typ":                           func(f *forged) { delete(f.header, "typ") },
		"a critical extension":             func(f *forged) { f.header["crit"] = []string{"b64"} },
		"another gateway's iss":            func(f *forged) { f.claims["iss"] = other.Gateway.Issuer },
		"another gateway's aud":            func(f *forged) { f.claims["aud"] = other.Gateway.Issuer },
		"no aud":                           func(f *forged) { delete(f.claims, "aud") },
		"no exp":                           func(f *forged) { delete(f.claims, "exp") },
		"expired beyond 60 s skew":         func(f *forged) { f.claims["exp"] = unix(-60 * time.Second) },
		"no iat":                           func(f *forged) { delete(f.claims, "iat") },
		"issued beyond 60 s in the future": func(f *forged) { f.claims["iat"] = unix(61 * time.Second) },
		"not valid for more than 60 s yet": func(f *forged) { f.claims["nbf"] = unix(61 * time.Second) },
		"issued before the client existed": func(f *forged) { f.claims["iat"] = unix(-24*time.Hour - time.Second) },
		"without the needed scope":         func(f *forged) { f.claims["scope"] = "d1:notifyx d1:read" },
		"without any scope":                func(f *forged) { delete(f.claims, "scope") },
		"an unknown client":                func(f *forged) { f.claims["sub"], f.claims["client_id"] = "nobody", "nobody" },
		"another gateway's client":         func(f *forged) { f.claims["sub"], f.claims["client_id"] = "is_tbank02", "is_tbank02" },
		"sub and client_id that differ":    func(f *forged) { f.claims["sub"] = "is_tbank02" },
		"no client":                        func(f *forged) { delete(f.claims, "client_id"); delete(f.claims, "sub") },
	} {
		t.Run(name, func(t *testing.T) {
			f := genuine(w)
			spoil(f)
			raw := f.sign(t)
			client, err := verify(w, raw, fixture.Now())
			if !errors.Is(err, token.ErrInvalid) || client != nil {
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

func newEdDSA(t *testing.T) any {
	w := fixture.New(t)
	w.Secrets.SigningKeys = append(w.Secrets.SigningKeys, fixture.SigningKey(t, "ed", api.EdDSA, fixture.Now()))
	w.Gateway.SigningKeys = []string{"ed"}
	w.Publish()
	return w.Compiled().SigningKey(fixture.Now()).Private
}

func TestGarbageAndAlteredTokensAreRefused(t *testing.T) {
	w := fixture.New(t)
	good := genuine(w).sign(t)
	for name, raw := range map[string]string{
		"nothing": "", "a word": "abc", "dots": "..", "four parts": good + ".x", "two parts": good[:strings.LastIndex(good, ".")],
		"no signature": good[:strings.LastIndex(good, ".")+1], "too long": good + strings.Repeat("A", token.MaxTokenBytes), "padding": good + "=",
		"a space inside": strings.Replace(good, ".", " .", 1), "not base64": "!" + good[1:], "bytes that are no text": "\xff\x00.\x00.\x00",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := verify(w, raw, fixture.Now()); !errors.Is(err, token.ErrInvalid) {
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
		if _, err := verify(w, altered, fixture.Now()); !errors.Is(err, token.ErrInvalid) {
			t.Fatalf("a token altered at byte %d is accepted", i)
		}
	}
}

func TestTimeLimitsOfAToken(t *testing.T) {
	w := fixture.New(t)
	raw := genuine(w).sign(t)
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

func TestSuspensionAndDeletionEndLiveTokensThatWereRemembered(t *testing.T) {
	e := newEndpoint(t)
	v := token.NewVerifier(16)
	good := func(raw string) bool {
		_, err := v.Verify(e.Compiled(), e.Snapshot(), raw, e.now)
		return err == nil
	}
	raw := e.issue()
	for range 2 {
		if !good(raw) {
			t.Fatal("a fresh token is refused")
		}
	}
	e.Client.Suspended = true
	e.Publish()
	if good(raw) {
		t.Error("a suspended client's token works")
	}
	e.Client.Suspended = false
	e.Client.TokensNotBefore = e.now.Add(time.Second)
	e.Publish()
	if good(raw) {
		t.Error("a token from before the suspension works again")
	}
	e.now = e.now.Add(time.Second)
	second := e.issue()
	if !good(second) {
		t.Error("a token from after the suspension is refused")
	}
	e.Delete(e.Client)
	if good(second) {
		t.Error("a deleted client's token works")
	}
}

// The operator sets TokensNotBefore by its own clock.
func TestATokenIsGoodAtOnceThoughTheOperatorsClockIsAhead(t *testing.T) {
	e := newEndpoint(t)
	e.Client.TokensNotBefore = e.now.Add(30 * time.Second)
	e.Publish()
	if _, err := verify(e.World, e.issue(), e.now); err != nil {
		t.Error(err)
	}
}

func TestKeyRotation(t *testing.T) {
	e := newEndpoint(t)
	v := token.NewVerifier(16)
	old := e.issue()
	if _, err := v.Verify(e.Compiled(), e.Snapshot(), old, e.now); err != nil {
		t.Fatal(err)
	}
	next := fixture.SigningKey(t, "next", api.EdDSA, e.now)
	next.SignsFrom = e.now.Add(time.Minute)
	e.Secrets.SigningKeys = append(e.Secrets.SigningKeys, next)
	e.Gateway.SigningKeys = append(e.Gateway.SigningKeys, "next")
	e.Publish()
	kid := func(raw string) string {
		parsed, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
		if err != nil {
			t.Fatal(err)
		}
		return parsed.Header["kid"].(string)
	}
	if got := kid(e.issue()); got != "acme-key-1" {
		t.Errorf("%s signs before its time", got)
	}
	e.now = next.SignsFrom
	young := e.issue()
	if got := kid(young); got != "next" {
		t.Errorf("%s signs after its time", got)
	}
	for _, raw := range []string{old, young} {
		if _, err := v.Verify(e.Compiled(), e.Snapshot(), raw, e.now); err != nil {
			t.Errorf("a live token is refused: %v", err)
		}
	}
	e.Gateway.SigningKeys = []string{"next"}
	e.Publish()
	if _, err := v.Verify(e.Compiled(), e.Snapshot(), old, e.now); err == nil {
		t.Error("a remembered token of a key that is gone works")
	}
}

func TestARememberedTokenIsNotGoodAtAnotherGateway(t *testing.T) {
	e := newEndpoint(t)
	other := e.Another("globex", "MGW_000002", "is_tbank02")
	v := token.NewVerifier(16)
	raw := e.issue()
	if _, err := v.Verify(e.Compiled(), e.Snapshot(), raw, e.now); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(other.Compiled(), e.Snapshot(), raw, e.now); err == nil {
		t.Error("it is accepted")
	}
}

func TestTheVerifierRemembersABoundedNumberOfTokens(t *testing.T) {
	e := newEndpoint(t)
	const size = 4
	v := token.NewVerifier(size)
	first := e.issue()
	for range 5 * size {
		for _, raw := range []string{first, e.issue()} {
			if _, err := v.Verify(e.Compiled(), e.Snapshot(), raw, e.now); err != nil {
				t.Fatal(err)
			}
		}
		if got := v.Remembered(); got > 2*size {
			t.Fatalf("it remembers %d", got)
		}
	}
	before := v.Remembered()
	if _, err := v.Verify(e.Compiled(), e.Snapshot(), first+"x", e.now); err == nil {
		t.Error("an altered token is accepted")
	}
	if got := v.Remembered(); got != before {
		t.Error("a refused token is remembered")
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
	v := token.NewVerifier(16)
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := v.Verify(g, snapshot, raw, fixture.Now()); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("got %v for a token that no key has signed", err)
		}
	})
}

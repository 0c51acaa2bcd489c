package contract_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// jwk is one published key, as a resource server reads it.
type jwk map[string]string

// keysAt fetches a key set.
func keysAt(t *testing.T, c *running.Client, p string) map[string]jwk {
	t.Helper()
	list, ok := body(t, c.For(t).Do(get(p)))["keys"].([]any)
	if !ok {
		t.Fatalf("%s answers no list of keys", p)
	}
	keys := map[string]jwk{}
	for _, entry := range list {
		key := jwk{}
		for name, value := range entry.(object) {
			text, ok := value.(string)
			if !ok {
				t.Fatalf("%s is %v", name, value)
			}
			key[name] = text
		}
		if keys[key["kid"]] != nil || key["kid"] == "" {
			t.Errorf("the kid %q stands twice or is none", key["kid"])
		}
		keys[key["kid"]] = key
	}
	return keys
}

// public is the key, after a look at what stands beside it: RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2.
func (k jwk) public(t *testing.T) crypto.PublicKey {
	t.Helper()
	members := map[string][]string{"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"e", "n"}}[k["kty"]]
	for name := range k {
		if !slices.Contains(append([]string{"kty", "use", "alg", "kid"}, members...), name) {
			t.Errorf("a %s key has the member %q", k["kty"], name)
		}
	}
	if k["use"] != "sig" {
		t.Errorf("use is %q", k["use"])
	}
	number := func(name string) []byte {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(k[name])
		if err != nil || len(raw) == 0 {
			t.Fatalf("%s is %q: %v", name, k[name], err)
		}
		return raw
	}
	switch k["alg"] + " " + k["kty"] + " " + k["crv"] {
	case "ES256 EC P-256":
		if len(number("x")) != 32 || len(number("y")) != 32 {
			t.Error("a coordinate is not 32 bytes")
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, number("x"), number("y")))
		if err != nil {
			t.Fatal(err)
		}
		return key
	case "EdDSA OKP Ed25519":
		return ed25519.PublicKey(number("x"))
	case "RS256 RSA ":
		return &rsa.PublicKey{N: new(big.Int).SetBytes(number("n")), E: int(new(big.Int).SetBytes(number("e")).Int64())}
	default:
		t.Fatalf("there is a key %q of %q", k["alg"], k["kty"])
		return nil
	}
}

// verifyByKeys verifies a token as a resource server does that knows the issuer and nothing else.
func verifyByKeys(t *testing.T, keys map[string]jwk, issuer, token string, now time.Time) (kid string) {
	t.Helper()
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithLeeway(2*time.Second), jwt.WithTimeFunc(func() time.Time { return now }))
	parsed, err := parser.Parse(token, func(parsed *jwt.Token) (any, error) {
		kid, _ = parsed.Header["kid"].(string)
		if keys[kid] == nil || keys[kid]["alg"] != parsed.Method.Alg() {
			return nil, jwt.ErrTokenUnverifiable
		}
		return keys[kid].public(t), nil
	})
	if err != nil || parsed.Header["typ"] != "at+jwt" {
		t.Errorf("a token by %q is refused: %v", kid, err)
	}
	return kid
}

func TestIssuedTokensVerifyByThePublishedKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t, withOther)
	s.everywhere(t, func(v *visit) {
		for _, p := range []string{fixture.TokenPath, fixture.IssuerTokenPath} {
			verifyByKeys(v.T, keysAt(v.T, v.c, keySetPath), fixture.Issuer, v.c.Do(running.T0().WithPath(p)).Token(), time.Now())
		}
		other := v.w.TokenOf(v.c, otherClientID, fixture.ClientSecret)
		otherIssuer := strings.Replace(fixture.Issuer, fixture.GatewayID, otherGatewayID, 1)
		keys := keysAt(v.T, v.c, strings.Replace(keySetPath, fixture.GatewayID, otherGatewayID, 1))
		if kid := verifyByKeys(v.T, keys, otherIssuer, other, time.Now()); len(keys) != 1 || kid != "globex-key-1" {
			v.Errorf("the other gateway has the keys %v", keys)
		}
	})
}

// next is a key that signs after that time.
func nextKey(t *testing.T, id string, algorithm api.Algorithm, now time.Time, after time.Duration) api.SigningKey {
	t.Helper()
	key := fixture.SigningKey(t, id, algorithm, wholeSecond(now))
	key.SignsFrom = wholeSecond(now.Add(after))
	return key
}

func TestASuccessorIsPublishedBeforeItSigns(t *testing.T) {
	t.Parallel()
	clock := &running.Clock{}
	v := world(t, func(w *running.World) { w.Options.Now = clock.Now })
	d := v.w.Documents
	check := func(when string, kids []string, signs string) string {
		t.Helper()
		keys := keysAt(t, v.c, keySetPath)
		for _, kid := range kids {
			if keys[kid] == nil {
				t.Errorf("%s: %s is not published", when, kid)
			}
		}
		if len(keys) != len(kids) {
			t.Errorf("%s: there are %d keys", when, len(keys))
		}
		token := v.w.Token(v.c)
		if kid := verifyByKeys(t, keys, fixture.Issuer, token, clock.Now()); kid != signs {
			t.Errorf("%s: %s signs", when, kid)
		}
		wantA.check(t, v.c.Do(running.N0(token)))
		v.isActive(t, introspect(token))
		return token
	}
	former := check("before", []string{"acme-key-1"}, "acme-key-1")
	d.Secrets.SigningKeys = append(slices.Clone(d.Secrets.SigningKeys), nextKey(t, "acme-key-2", api.EdDSA, clock.Now(), 5*time.Minute), nextKey(t, "acme-key-3", api.RS256, clock.Now(), 10*time.Minute))
	d.Gateway.SigningKeys = []string{"acme-key-1", "acme-key-2", "acme-key-3"}
	v.w.Publish()
	all := []string{"acme-key-1", "acme-key-2", "acme-key-3"}
	check("with successors", all, "acme-key-1")
	clock.Forward(6 * time.Minute)
	check("the second in force", all, "acme-key-2")
	wantA.check(t, v.c.Do(running.N0(former)))
	clock.Forward(5 * time.Minute)
	check("the third in force", all, "acme-key-3")
	d.Gateway.SigningKeys = []string{"acme-key-3"}
	v.w.Publish()
	last := check("the former ones gone", []string{"acme-key-3"}, "acme-key-3")
	wantInvalidToken.check(t, v.c.Do(running.N0(former)))
	v.expect(wantInactive, cases{"token of a key that has gone": introspect(former)})
	v.isActive(t, introspect(last))
}

// TestNothingOfAnotherTenantIsAnswered asks everything of one gateway, rightly and wrongly, and looks for the other's names.
func TestNothingOfAnotherTenantIsAnswered(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w *running.World) {
		other := w.Another("globex", otherGatewayID, otherClientID)
		other.Gateway.Delivery.URL = w.Backend.URL + "/globex"
		other.Client.Scopes = []string{api.NotifyScope, "globex:scope"}
	})
	s.everywhere(t, func(v *visit) {
		other := v.w.TokenOf(v.c, otherClientID, fixture.ClientSecret)
		requests := cases{
			"introspection of the other's token": introspect(other), "revocation of the other's token": revoke(other), "notification with the other's token": running.N0(other),
			"introspection by the other's client": as(otherClientID, introspect(v.token)), "revocation by the other's client": as(otherClientID, revoke(v.token)),
			"an unknown gateway": get(strings.Replace(metadataPath, fixture.GatewayID, "MGW_000009", 1)),
		}
		for name, r := range everyEndpoint(v.token) {
			requests[name], requests[name+", DELETE"] = r, r.WithMethod(http.MethodDelete)
			requests[name+", wrong secret"] = r.With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "wrong"))
			requests[name+", malformed"] = r.WithBody("%zz")
		}
		delete(requests, "revocation") // it would end the visit's token
		for name, r := range requests {
			a := v.c.Do(r)
			text := a.String() + a.Body
			for _, foreign := range []string{"globex", otherGatewayID, "payments", "acme-d1"} {
				if strings.Contains(text, foreign) {
					v.Errorf("%s is answered %q: %s", name, foreign, a)
				}
			}
		}
		wantA.check(v.T, v.c.Do(atOther(running.N0(other)))) // nothing of this has ended it
	})
}

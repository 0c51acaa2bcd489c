package contract_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

const (
	keyClientID   = "is_keys01"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// asserting is a client of the base gateway that authenticates by assertions.
type asserting struct {
	t   *testing.T
	key fixture.ClientKey
}

// withKeys makes a client with a key and allows the method, beside D1's Basic.
func withKeys(key fixture.ClientKey) func(w *running.World) {
	return func(w *running.World) {
		w.Documents.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.PrivateKeyJWT}
		client := w.AnotherClient(w.Documents, keyClientID)
		client.Credentials, client.PublicKeys = nil, []api.PublicKey{key.Public}
	}
}

// assertion is a good one, its header and claims changed.
func (c asserting) assertion(header, claims object) string {
	c.t.Helper()
	now := time.Now().Unix()
	good := object{"iss": keyClientID, "sub": keyClientID, "aud": fixture.Issuer, "iat": now, "exp": now + 60, "jti": rand.Text()}
	return mint{t: c.t}.sign(changed(object{"alg": c.key.Public.Algorithm, "typ": "JWT"}, header), changed(good, claims), jwt.GetSigningMethod(c.key.Public.Algorithm), c.key.Private)
}

// asserted is a request whose client authenticates by that assertion.
func asserted(r running.Request, assertion string) running.Request {
	return r.With("Authorization").WithBody(r.Body + "&client_assertion_type=" + url.QueryEscape(assertionType) + "&client_assertion=" + assertion)
}

func TestPrivateKeyJWTOfEveryAlgorithm(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"ES256", "ES384", "EdDSA", "RS256", "PS256"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			key := fixture.NewClientKey(t, "key", algorithm)
			v := world(t, withKeys(key))
			c := asserting{t, key}
			good := asserted(running.T0(), c.assertion(nil, nil))
			token := v.c.Do(good).Token()
			v.isActive(t, introspect(token))
			wantIC.check(t, v.c.Do(good))
			o := body(t, v.c.Do(get(metadataPath)))
			list, _ := o["token_endpoint_auth_signing_alg_values_supported"].([]any)
			if !strings.Contains(encodeList(list), algorithm) {
				t.Errorf("the metadata lists %v", list)
			}
		})
	}
}

func encodeList(list []any) string {
	var b strings.Builder
	for _, entry := range list {
		text, _ := entry.(string)
		b.WriteString(text + " ")
	}
	return b.String()
}

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	key := fixture.NewClientKey(t, "key", "ES256")
	s := newSite(t, func(w *running.World) {
		withOther(w)
		withKeys(key)(w)
	})
	s.everywhere(t, func(v *visit) {
		c := asserting{v.T, key}
		// The audience is the issuer or the URL of an endpoint, alone or among others.
		for name, aud := range map[string]any{
			"issuer": fixture.Issuer, "token endpoint": "https://d1.acme.example/oauth2/token", "Issuer token endpoint": "https://d1.acme.example" + fixture.IssuerTokenPath,
			"introspection": fixture.Issuer + "/oauth2/introspect", "revocation": fixture.Issuer + "/oauth2/revoke", "a list": []string{"https://elsewhere.example", fixture.Issuer},
		} {
			for endpoint, r := range beside(c.token(v)) {
				v.Run(name+" at "+endpoint, func(t *testing.T) {
					if a := v.c.For(t).Do(asserted(r, c.assertion(nil, object{"aud": aud}))); a.Status != http.StatusOK {
						t.Errorf("answer %s", a)
					}
				})
			}
		}
		token := c.token(v)
		if o := v.isActive(v.T, asserted(introspect(token), c.assertion(nil, nil))); o["client_id"] != keyClientID {
			v.Errorf("it is of %v", o["client_id"])
		}
		wantA.check(v.T, v.c.Do(running.N0(token)))
		wantRevoked.check(v.T, v.c.Do(asserted(revoke(token), c.assertion(nil, nil))))
		wantInvalidToken.check(v.T, v.c.Do(running.N0(token)))
		v.expect(wantOK, cases{
			"Basic goes on beside it":   running.T0(),
			"client_id as well":         withClientID(asserted(running.T0(), c.assertion(nil, nil)), keyClientID),
			"on the Issuer path":        asserted(running.T0().WithPath(fixture.IssuerTokenPath), c.assertion(nil, nil)),
			"an hour's lifetime":        asserted(running.T0(), c.assertion(nil, object{"exp": time.Now().Unix() + 3590})),
			"expired within the skew":   asserted(running.T0(), c.assertion(nil, object{"exp": time.Now().Unix() - 20})),
			"without iat, with an nbf":  asserted(running.T0(), c.assertion(nil, object{"iat": nil, "nbf": time.Now().Unix() - 1})),
			"a kid of the client's own": asserted(running.T0(), c.assertion(object{"kid": "x"}, nil)),
		})
	})
}

func (c asserting) token(v *visit) string {
	v.Helper()
	a := v.c.Do(asserted(running.T0(), c.assertion(nil, nil)))
	if a.Token() == "" {
		v.Fatalf("no token: %s", a)
	}
	return a.Token()
}

func withClientID(r running.Request, id string) running.Request {
	return r.WithBody(r.Body + "&client_id=" + id)
}

func TestAssertionsThatAreRefused(t *testing.T) {
	t.Parallel()
	key, stranger := fixture.NewClientKey(t, "key", "ES256"), fixture.NewClientKey(t, "key", "ES256")
	s := newSite(t, func(w *running.World) {
		withOther(w)
		withKeys(key)(w)
	})
	s.everywhere(t, func(v *visit) {
		c := asserting{v.T, key}
		now := time.Now().Unix()
		otherIssuer := strings.Replace(fixture.Issuer, fixture.GatewayID, otherGatewayID, 1)
		spoilt := map[string]string{
			"aud of another gateway":      c.assertion(nil, object{"aud": otherIssuer}),
			"aud of another's endpoint":   c.assertion(nil, object{"aud": otherIssuer + "/oauth2/revoke"}),
			"aud of the host":             c.assertion(nil, object{"aud": "https://d1.acme.example"}),
			"aud with a slash":            c.assertion(nil, object{"aud": fixture.Issuer + "/"}),
			"aud of the address":          c.assertion(nil, object{"aud": v.w.URL() + fixture.TokenPath}),
			"aud in http":                 c.assertion(nil, object{"aud": strings.Replace(fixture.Issuer, "https", "http", 1)}),
			"aud is the notification":     c.assertion(nil, object{"aud": "https://d1.acme.example" + fixture.NotifyPath}),
			"no aud":                      c.assertion(nil, object{"aud": nil}),
			"aud is an empty list":        c.assertion(nil, object{"aud": []string{}}),
			"no jti":                      c.assertion(nil, object{"jti": nil}),
			"an empty jti":                c.assertion(nil, object{"jti": ""}),
			"no exp":                      c.assertion(nil, object{"exp": nil}),
			"exp in a string":             c.assertion(nil, object{"exp": "9999999999"}),
			"expired":                     c.assertion(nil, object{"iat": now - 600, "exp": now - 300}),
			"two hours ahead":             c.assertion(nil, object{"exp": now + 7200}),
			"not valid yet":               c.assertion(nil, object{"nbf": now + 600}),
			"issued in the future":        c.assertion(nil, object{"iat": now + 600}),
			"of another issuer":           c.assertion(nil, object{"iss": "x"}),
			"for another subject":         c.assertion(nil, object{"sub": fixture.ClientID}),
			"of a client with a secret":   c.assertion(nil, object{"sub": fixture.ClientID, "iss": fixture.ClientID}),
			"of nobody":                   c.assertion(nil, object{"sub": "nobody", "iss": "nobody"}),
			"with crit":                   c.assertion(object{"crit": []string{"x"}, "x": 1}, nil),
			"by another key":              asserting{v.T, stranger}.assertion(nil, nil),
			"alg none":                    unsigned(v.T, c.assertion(nil, nil)),
			"HMAC by the public key":      hmacByPublicKey(v.T, c),
			"altered":                     altered(c.assertion(nil, nil)),
			"garbage":                     "garbage",
			"an access token":             v.token,
			"longer than an assertion is": c.assertion(nil, object{"x": strings.Repeat("x", 4<<10)}),
		}
		for why, assertion := range spoilt {
			v.Run(why, func(t *testing.T) {
				// Each from an address of its own: so many failures from one would be too many.
				from := v.w.Over(v.c.Transport).For(t)
				for _, r := range beside(v.token) {
					wantIC.check(t, from.Do(asserted(r, assertion)))
				}
			})
		}
		good := func() running.Request { return asserted(running.T0(), c.assertion(nil, nil)) }
		v.expect(wantIC, cases{
			"client_id of another":  withClientID(good(), fixture.ClientID),
			"another type":          good().WithBody(strings.Replace(good().Body, "jwt-bearer", "saml2-bearer", 1)),
			"no type":               good().WithBody("grant_type=client_credentials&client_assertion=" + c.assertion(nil, nil)),
			"in the query":          running.T0().With("Authorization").WithPath(fixture.TokenPath + "?" + good().Body),
			"the type alone":        running.T0().With("Authorization").WithBody("grant_type=client_credentials&client_assertion_type=" + url.QueryEscape(assertionType)),
			"a secret in its place": basic(keyClientID, fixture.ClientSecret),
		})
		v.expect(wantBR("invalid_request"), cases{
			"Basic as well":    good().With("Authorization", fixture.Basic),
			"a secret as well": good().WithBody(good().Body + "&client_secret=123"),
		})
		wantIC.check(v.T, v.c.Do(asserted(atOther(introspect("x")), c.assertion(nil, object{"aud": otherIssuer}))))
	})
}

func unsigned(t *testing.T, assertion string) string {
	t.Helper()
	return encodeJSON(t, object{"alg": "none"}) + "." + strings.Split(assertion, ".")[1] + "."
}

func hmacByPublicKey(t *testing.T, c asserting) string {
	t.Helper()
	claims := object{"iss": keyClientID, "sub": keyClientID, "aud": fixture.Issuer, "exp": time.Now().Unix() + 60, "jti": rand.Text()}
	return mint{t: t}.sign(object{"alg": "HS256"}, claims, jwt.SigningMethodHS256, []byte(c.key.Public.PEM))
}

func altered(assertion string) string { return assertion[:len(assertion)-8] + "AAAAAAAA" }

func TestAnAssertionWorksOnce(t *testing.T) {
	t.Parallel()
	key := fixture.NewClientKey(t, "key", "ES256")
	s := newSite(t, withKeys(key))
	s.everywhere(t, func(v *visit) {
		c := asserting{v.T, key}
		used := c.assertion(nil, nil)
		if a := v.c.Do(asserted(introspect("x"), used)); a.Status != http.StatusOK {
			v.Errorf("answer %s", a)
		}
		for _, r := range beside("x") {
			wantIC.check(v.T, v.c.Do(asserted(r, used)))
		}
		// The same jti in another assertion is the same assertion (RFC 7523 section 3).
		id := object{"jti": rand.Text()}
		wantOK.check(v.T, v.c.Do(asserted(running.T0(), c.assertion(nil, id))))
		wantIC.check(v.T, v.c.Do(asserted(running.T0(), c.assertion(nil, id))))
		// One whose request was refused for the rest of it has been used all the same.
		wasted := c.assertion(nil, nil)
		wantBR("unsupported_grant_type").check(v.T, v.c.Do(asserted(running.T0().WithBody("grant_type=password"), wasted)))
		wantIC.check(v.T, v.c.Do(asserted(running.T0(), wasted)))
		// One that is sent many times at once works once.
		const count = 8
		raced, answers := c.assertion(nil, nil), make(chan int, count)
		for range count {
			go func() {
				a, _ := v.c.Try(v.Context(), asserted(running.T0(), raced))
				answers <- a.Status
			}()
		}
		taken := 0
		for range count {
			if status := <-answers; status == http.StatusOK {
				taken++
			} else if status != http.StatusUnauthorized {
				v.Errorf("answer %d", status)
			}
		}
		if taken != 1 {
			v.Errorf("one assertion is taken %d times", taken)
		}
	})
}

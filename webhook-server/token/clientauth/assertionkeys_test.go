package clientauth_test

import (
	"slices"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestAnEd25519KeyVerifiesUnderBothNames(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "EdDSA")
	another := fixture.NewClientKey(t, "other", "EdDSA")
	ecdsa := fixture.NewClientKey(t, "p256", "ES256")
	d := keyed(t, ecdsa, key)
	for _, name := range []string{"EdDSA", "Ed25519"} {
		sign := func(key fixture.ClientKey, alg string) request {
			a := d.GenuineAssertion(key)
			a.Header["alg"] = alg
			return asserting(a.Sign(t))
		}
		if who := d.wantIn(sign(key, name), api.PrivateKeyJWT); who.CredentialID != "key" {
			t.Errorf("%s: authenticated by %s", name, who.CredentialID)
		}
		d.wantRefused(sign(another, name), clientauth.BadClient, clientauth.BadAssertion)
		d.wantRefused(sign(ecdsa, name), clientauth.BadClient, clientauth.BadAssertion)
	}
	for _, name := range []string{"ed25519", "Ed448", "EDDSA"} {
		a := d.GenuineAssertion(key)
		a.Header["alg"] = name
		d.wantRefused(asserting(a.Sign(t)), clientauth.BadClient, clientauth.BadAssertion)
	}
}

func TestAnRSAKeyVerifiesTheAlgorithmItIsFor(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "RS256")
	for of, good := range map[string][]string{"": {"RS256", "PS256"}, "RS256": {"RS256"}, "PS256": {"PS256"}} {
		key.Public.Algorithm = of
		d := keyed(t, key)
		for _, used := range []string{"RS256", "PS256", "RS384", "RS512", "PS384"} {
			a := d.GenuineAssertion(key)
			a.Header["alg"], a.Method = used, jwt.GetSigningMethod(used)
			if r := asserting(a.Sign(t)); slices.Contains(good, used) {
				d.wantIn(r, api.PrivateKeyJWT)
			} else {
				d.wantRefused(r, clientauth.BadClient, clientauth.BadAssertion)
			}
		}
	}
}

func TestKeyIds(t *testing.T) {
	first, second, nameless := fixture.NewClientKey(t, "1", "ES256"), fixture.NewClientKey(t, "2", "ES256"), fixture.NewClientKey(t, "3", "EdDSA")
	first.Public.KeyID, second.Public.KeyID = "first", "second"
	d := keyed(t, first, second, nameless)
	for name, c := range map[string]struct {
		key  fixture.ClientKey
		kid  any
		used string // the credential, empty when it is refused
	}{
		"the first one by its kid":              {first, "first", "1"},
		"the second one by its kid":             {second, "second", "2"},
		"without a kid every key is tried":      {second, nil, "2"},
		"an empty kid is none":                  {second, "", "2"},
		"the wrong key's kid":                   {second, "first", ""},
		"a kid that no key has":                 {second, "third", ""},
		"a kid in another letter case":          {first, "First", ""},
		"any kid of a key that was given none":  {nameless, "whatever", "3"},
		"a key that was given none, without it": {nameless, nil, "3"},
		"a kid that is not text":                {first, 1, "1"},
	} {
		d.run(name, func(t *testing.T) {
			a := d.GenuineAssertion(c.key)
			if c.kid != nil {
				a.Header["kid"] = c.kid
			}
			r := asserting(a.Sign(t))
			if c.used == "" {
				d.wantRefused(r, clientauth.BadClient, clientauth.BadAssertion)
			} else if who := d.wantIn(r, api.PrivateKeyJWT); who.CredentialID != c.used {
				t.Errorf("authenticated by %s", who.CredentialID)
			}
		})
	}
}

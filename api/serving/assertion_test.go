package serving_test

import (
	"slices"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
)

func TestAKeyVerifiesItsOwnAlgorithm(t *testing.T) {
	names := append(serving.AssertionAlgorithms(), "", "none", "HS256", "RS384", "ES512", "Ed448", "eddsa")
	for of, good := range map[string][]string{
		"ES256": {"ES256"}, "ES384": {"ES384"}, "RS256": {"RS256"}, "PS256": {"PS256"},
		"EdDSA": {"EdDSA", "Ed25519"}, "Ed25519": {"EdDSA", "Ed25519"}, "": {"RS256", "PS256"},
	} {
		for _, name := range names {
			if got, want := (serving.PublicKey{Algorithm: of}).Verifies(name), slices.Contains(good, name); got != want {
				t.Errorf("a key for %q verifies %q: %v", of, name, got)
			}
		}
	}
}

func TestAKeyIsForAnAlgorithmOfTheListOrForNoneInParticular(t *testing.T) {
	for algorithm, want := range map[string]bool{
		"": true, "ES256": true, "ES384": true, "EdDSA": true, "Ed25519": true, "RS256": true, "PS256": true,
		"none": false, "HS256": false, "RS384": false, "ES512": false, "Ed448": false, "es256": false,
	} {
		c := oauthClient()
		c.Credentials, c.Certificate = nil, nil
		c.PublicKeys = []serving.PublicKey{{ID: "key", Algorithm: algorithm, PEM: "x", CreatedAt: c.TokensNotBefore}}
		if err := c.Validate(); (err == nil) != want {
			t.Errorf("%q: %v", algorithm, err)
		}
	}
}

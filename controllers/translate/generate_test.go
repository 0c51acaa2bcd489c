package translate_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

func TestGeneratedTextsHaveTheirForm(t *testing.T) {
	g := translate.NewGenerator()
	for _, tc := range []struct {
		name, pattern string
		text          func() string
	}{
		{"a client secret", `^[A-Za-z0-9]{43}$`, func() string { return g.ClientSecret().Reveal() }},
		{"an id", `^[a-z0-9]{12}$`, g.ID},
		{"a client id", `^d1-[a-z0-9]{16}$`, g.ClientID},
		{"a delivery secret", `^whsec_[A-Za-z0-9+/]{43}=$`, func() string { return g.DeliverySecret().Reveal() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pattern, seen := regexp.MustCompile(tc.pattern), map[string]bool{}
			for range 1000 {
				text := tc.text()
				if !pattern.MatchString(text) || seen[text] {
					t.Fatalf("%q does not match %s or repeats itself", text, tc.pattern)
				}
				seen[text] = true
			}
		})
	}
}

// TestEveryCharacterIsEquallyLikely would fail for `byte % 62`, which favours the first 8 characters by a quarter.
func TestEveryCharacterIsEquallyLikely(t *testing.T) {
	g, counts := translate.NewGenerator(), map[rune]int{}
	const secrets = 20000
	for range secrets {
		for _, r := range g.ClientSecret().Reveal() {
			counts[r]++
		}
	}
	expected := float64(secrets*43) / 62
	chiSquare := 0.0
	for _, n := range counts {
		chiSquare += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	// With 61 degrees of freedom a fair source stays below 140 but for one run in ten million; byte % 62 gives about 6000.
	if len(counts) != 62 || chiSquare > 140 {
		t.Errorf("%d characters, chi-square %.0f", len(counts), chiSquare)
	}
}

func TestDeliverySecretsHold32Bytes(t *testing.T) {
	text := translate.NewGenerator().DeliverySecret().Reveal()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil || len(raw) != 32 {
		t.Errorf("%d bytes, error %v", len(raw), err)
	}
}

func TestSigningKeysGoWithTheirAlgorithm(t *testing.T) {
	g := translate.NewGenerator()
	for algorithm, fits := range map[serving.Algorithm]func(any) bool{
		serving.ES256: func(k any) bool { key, ok := k.(*ecdsa.PrivateKey); return ok && key.Curve == elliptic.P256() },
		serving.EdDSA: func(k any) bool { _, ok := k.(ed25519.PrivateKey); return ok },
		serving.RS256: func(k any) bool { key, ok := k.(*rsa.PrivateKey); return ok && key.N.BitLen() == 2048 },
	} {
		t.Run(string(algorithm), func(t *testing.T) {
			text, err := g.SigningKey(algorithm)
			if err != nil {
				t.Fatal(err)
			}
			block, rest := pem.Decode([]byte(text.Reveal()))
			if block == nil || len(rest) > 0 {
				t.Fatal("not one PEM block")
			}
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil || !fits(key) {
				t.Errorf("got a %T, error %v", key, err)
			}
		})
	}
	if _, err := g.SigningKey("none"); err == nil {
		t.Error("a key was made for the algorithm none")
	}
}

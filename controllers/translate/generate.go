package translate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"

	"github.com/d1gateway/d1gateway/api/serving"
)

const (
	letters      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	lowerLetters = "abcdefghijklmnopqrstuvwxyz0123456789"

	// clientSecretLength characters of 62 hold 256 bits.
	clientSecretLength = 43
	rsaBits            = 2048
)

type generator struct{}

// NewGenerator answers the Generator for production: everything comes from the operating system's random source.
func NewGenerator() Generator { return generator{} }

func (generator) ClientID() string { return "d1-" + randomText(lowerLetters, 16) }

func (generator) ClientSecret() serving.Secret {
	return serving.NewSecret(randomText(letters, clientSecretLength))
}

func (generator) DeliverySecret() serving.Secret {
	key := make([]byte, 32)
	fill(key)
	return serving.NewSecret(signingSecretPrefix + base64.StdEncoding.EncodeToString(key))
}

func (generator) DeliveryKey() serving.Secret {
	seed := make([]byte, ed25519.SeedSize)
	fill(seed)
	return serving.NewSecret(signingKeyPrefix + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(seed)))
}

func (generator) ID() string { return randomText(lowerLetters, 12) }

func (generator) SigningKey(algorithm serving.Algorithm) (serving.Secret, error) {
	key, err := newPrivateKey(algorithm)
	if err != nil {
		return serving.Secret{}, fmt.Errorf("making a %s key: %w", algorithm, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return serving.Secret{}, fmt.Errorf("encoding a %s key: %w", algorithm, err)
	}
	return serving.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), nil
}

func newPrivateKey(algorithm serving.Algorithm) (crypto.Signer, error) {
	switch algorithm {
	case serving.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case serving.EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case serving.RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return nil, fmt.Errorf("algorithm %q is unknown", algorithm)
	}
}

// randomText answers n characters of the alphabet, each equally likely: a byte that would favour the first characters is drawn again.
func randomText(alphabet string, n int) string {
	fair := 256 - 256%len(alphabet)
	text := make([]byte, 0, n)
	draw := make([]byte, n)
	for len(text) < n {
		fill(draw)
		for _, b := range draw {
			if int(b) < fair && len(text) < n {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}

// fill never fails: crypto/rand ends the program when the operating system has no randomness, which is right for secrets.
func fill(b []byte) { _, _ = rand.Read(b) }

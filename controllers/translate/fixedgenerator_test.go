package translate_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"

	"github.com/d1gateway/d1gateway/api/serving"
)

// fixedGenerator counts instead of drawing: made-up secrets that a reader recognises.
type fixedGenerator struct{ n int }

func (g *fixedGenerator) next() int { g.n++; return g.n }

func (g *fixedGenerator) ClientID() string { return fmt.Sprintf("d1-generated%d", g.next()) }

func (g *fixedGenerator) ClientSecret() serving.Secret {
	return serving.NewSecret(fmt.Sprintf("GeneratedClientSecret%022d", g.next()))
}

func (g *fixedGenerator) DeliverySecret() serving.Secret {
	return serving.NewSecret("whsec_" + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "generated delivery secret %06d", g.next())))
}

func (g *fixedGenerator) DeliveryKey() serving.Secret {
	seed := fmt.Appendf(nil, "generated Ed25519 seed %09d", g.next())
	return serving.NewSecret("whsk_" + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(seed)))
}

func (g *fixedGenerator) SigningKey(a serving.Algorithm) (serving.Secret, error) {
	return serving.NewSecret(fmt.Sprintf("made-up private key %d for %s", g.next(), a)), nil
}

func (g *fixedGenerator) ID() string { return fmt.Sprintf("id%d", g.next()) }

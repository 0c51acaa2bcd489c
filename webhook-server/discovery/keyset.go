package discovery

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// keySet is a JWK set (RFC 7517 section 5).
type keySet struct {
	Keys []jwk `json:"keys"`
}

// jwk is the public part of one key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
type jwk struct {
	KeyType   string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	Modulus   string `json:"n,omitempty"`
	Exponent  string `json:"e,omitempty"`
}

// encodeKeySet writes every key that verifies. A successor is there before it signs, so that whoever reads the set now and then knows
// it in time.
func encodeKeySet(g *serving.Gateway) ([]byte, error) {
	set := keySet{Keys: []jwk{}}
	for _, key := range g.VerificationKeys() {
		public, err := publicJWK(key)
		if err != nil {
			return nil, fmt.Errorf("encoding key %s: %w", key.ID, err)
		}
		set.Keys = append(set.Keys, public)
	}
	body, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("encoding key set: %w", err)
	}
	return body, nil
}

func publicJWK(key *serving.Key) (jwk, error) {
	public := jwk{Use: "sig", Algorithm: string(key.Algorithm), KeyID: key.ID}
	encode := base64.RawURLEncoding.EncodeToString
	switch k := key.Public.(type) {
	case *ecdsa.PublicKey:
		// 4 and both coordinates, each as long as the curve's field: RFC 7518 section 6.2.1.2 forbids to drop leading zeros.
		point, err := k.Bytes()
		if err != nil {
			return jwk{}, err
		}
		half := (len(point) - 1) / 2
		public.KeyType, public.Curve = "EC", k.Params().Name
		public.X, public.Y = encode(point[1:1+half]), encode(point[1+half:])
	case ed25519.PublicKey:
		public.KeyType, public.Curve, public.X = "OKP", "Ed25519", encode(k)
	case *rsa.PublicKey:
		public.KeyType = "RSA"
		public.Modulus, public.Exponent = encode(k.N.Bytes()), encode(big.NewInt(int64(k.E)).Bytes())
	default:
		return jwk{}, fmt.Errorf("no JWK for %T", key.Public)
	}
	return public, nil
}

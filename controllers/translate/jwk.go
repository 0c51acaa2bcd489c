package translate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

const (
	minRSABits = 2048
	// maxRSABits bounds what one verification may cost a server.
	maxRSABits = 8192
	// maxExponentBits is what crypto/rsa verifies with.
	maxExponentBits = 31
)

// keyAndAlgorithms is a public key and the names of what it verifies, its own one first.
type keyAndAlgorithms struct {
	key        crypto.PublicKey
	algorithms []string
	// both says that it verifies either algorithm when none is given.
	both bool
}

// keyMaterialOf reads the key itself (RFC 7518 section 6, RFC 8037 section 2).
func keyMaterialOf(members map[string]json.RawMessage) (keyAndAlgorithms, error) {
	kty, _, err := textMember(members, "kty")
	if err != nil {
		return keyAndAlgorithms{}, err
	}
	switch kty {
	case "EC":
		return ecKey(members)
	case "RSA":
		return rsaKey(members)
	case "OKP":
		return ed25519Key(members)
	default:
		return keyAndAlgorithms{}, errors.New("has a kty other than EC, RSA and OKP")
	}
}

func ecKey(members map[string]json.RawMessage) (keyAndAlgorithms, error) {
	crv, _, err := textMember(members, "crv")
	if err != nil {
		return keyAndAlgorithms{}, err
	}
	var curve elliptic.Curve
	var algorithm string
	switch crv {
	case "P-256":
		curve, algorithm = elliptic.P256(), "ES256"
	case "P-384":
		curve, algorithm = elliptic.P384(), "ES384"
	default:
		return keyAndAlgorithms{}, errors.New("has a crv other than P-256 and P-384")
	}
	const uncompressed = 4 // SEC 1 section 2.3.3
	point := []byte{uncompressed}
	for _, name := range []string{"x", "y"} {
		coordinate, err := bytesMember(members, name)
		if err != nil {
			return keyAndAlgorithms{}, err
		}
		if want := curve.Params().BitSize / 8; len(coordinate) != want {
			return keyAndAlgorithms{}, fmt.Errorf("has a member %s of %d bytes, not %d", name, len(coordinate), want)
		}
		point = append(point, coordinate...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return keyAndAlgorithms{}, errors.New("is not a point of its curve")
	}
	return keyAndAlgorithms{key: key, algorithms: []string{algorithm}}, nil
}

func ed25519Key(members map[string]json.RawMessage) (keyAndAlgorithms, error) {
	crv, _, err := textMember(members, "crv")
	if err != nil {
		return keyAndAlgorithms{}, err
	}
	if crv != "Ed25519" {
		return keyAndAlgorithms{}, errors.New("has a crv other than Ed25519")
	}
	x, err := bytesMember(members, "x")
	if err != nil {
		return keyAndAlgorithms{}, err
	}
	if len(x) != ed25519.PublicKeySize {
		return keyAndAlgorithms{}, fmt.Errorf("has a member x of %d bytes, not %d", len(x), ed25519.PublicKeySize)
	}
	if !isEd25519Point([ed25519.PublicKeySize]byte(x)) {
		return keyAndAlgorithms{}, errors.New("is not a point of its curve, or one that anybody could sign for")
	}
	// RFC 9864 names it Ed25519, RFC 8037 EdDSA.
	return keyAndAlgorithms{key: ed25519.PublicKey(x), algorithms: []string{"EdDSA", "Ed25519"}}, nil
}

func rsaKey(members map[string]json.RawMessage) (keyAndAlgorithms, error) {
	var numbers [2]*big.Int
	for i, name := range []string{"n", "e"} {
		raw, err := bytesMember(members, name)
		if err != nil {
			return keyAndAlgorithms{}, err
		}
		if len(raw) == 0 || raw[0] == 0 {
			return keyAndAlgorithms{}, fmt.Errorf("has a member %s that is empty or begins with a zero byte (RFC 7518 section 2)", name)
		}
		numbers[i] = new(big.Int).SetBytes(raw)
	}
	n, e := numbers[0], numbers[1]
	switch {
	case n.BitLen() < minRSABits || n.BitLen() > maxRSABits:
		return keyAndAlgorithms{}, fmt.Errorf("is an RSA key of %d bits, not %d to %d", n.BitLen(), minRSABits, maxRSABits)
	case n.Bit(0) == 0:
		return keyAndAlgorithms{}, errors.New("has an even modulus n")
	case e.BitLen() > maxExponentBits || e.Bit(0) == 0 || e.BitLen() < 2:
		return keyAndAlgorithms{}, fmt.Errorf("has an exponent e that is even, 1, or longer than %d bits", maxExponentBits)
	}
	return keyAndAlgorithms{key: &rsa.PublicKey{N: n, E: int(e.Int64())}, algorithms: []string{"RS256", "PS256"}, both: true}, nil
}

// bytesMember answers a member in base64url without padding (RFC 7515 section 2), which has one spelling only.
func bytesMember(members map[string]json.RawMessage, name string) ([]byte, error) {
	text, there, err := textMember(members, name)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("lacks the member %s", name)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// DecodeString passes over line breaks.
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("has a member %s that is not base64url without padding", name)
	}
	return raw, nil
}

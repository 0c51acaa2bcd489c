package serving

import "slices"

// AssertionAlgorithms lists the algorithms in which client assertions may be signed (RFC 7518, RFC 8037, RFC 9864). The list is closed:
// "none" and HMAC are not on it. EdDSA and Ed25519 name the same one, since every EdDSA key here is of that curve.
func AssertionAlgorithms() []string {
	return []string{"ES256", "ES384", "EdDSA", "Ed25519", "RS256", "PS256"}
}

// Verifies says whether the key verifies assertions of an algorithm on the list.
func (k PublicKey) Verifies(algorithm string) bool {
	switch k.Algorithm {
	case "":
		return algorithm == "RS256" || algorithm == "PS256"
	case "EdDSA", "Ed25519":
		return algorithm == "EdDSA" || algorithm == "Ed25519"
	default:
		return algorithm == k.Algorithm
	}
}

// isKeyAlgorithm says whether PublicKey.Algorithm may be that.
func isKeyAlgorithm(algorithm string) bool {
	return algorithm == "" || slices.Contains(AssertionAlgorithms(), algorithm)
}

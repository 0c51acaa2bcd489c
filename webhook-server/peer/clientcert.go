package peer

import (
	"crypto/x509"
	"strings"
)

var (
	errByteSequence     = unreadable("it is not a byte sequence between colons")
	errChainWithoutLeaf = unreadable("there is a chain without the client's own certificate")
)

// decodeClientCert reads Client-Cert, one byte sequence, and Client-Cert-Chain, a list of them (RFC 9440 sections 2.2 and 2.3, RFC 9651
// section 3.3.5). RFC 9440 gives the items no parameters, so none is taken. An empty value is a proxy's way to say that there was no
// certificate.
func decodeClientCert(value, chain string) ([]*x509.Certificate, error) {
	value, chain = trimSpaces(value), trimSpaces(chain)
	if value == "" {
		if chain != "" {
			return nil, errChainWithoutLeaf
		}
		return nil, ErrNoCertificate
	}
	leaf, err := decodeByteSequence(value)
	if err != nil {
		return nil, err
	}
	encoded := [][]byte{leaf}
	if chain == "" {
		return parseChain(encoded)
	}
	for member := range strings.SplitSeq(chain, ",") {
		der, err := decodeByteSequence(strings.Trim(member, " \t"))
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, der)
	}
	return parseChain(encoded)
}

func decodeByteSequence(s string) ([]byte, error) {
	if len(s) < 2 || s[0] != ':' || s[len(s)-1] != ':' {
		return nil, errByteSequence
	}
	return decodeBase64(s[1 : len(s)-1])
}

func trimSpaces(s string) string { return strings.Trim(s, " \t") }

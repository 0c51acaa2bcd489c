package peer

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	certificateHeader      = "Client-Cert"
	certificateChainHeader = "Client-Cert-Chain"
	envoyHeader            = "X-Forwarded-Client-Cert"
)

// maxHeaderBytes bounds the header values of a chain. A certificate is one to three kibibytes, half as much again when encoded.
const maxHeaderBytes = 64 << 10

var (
	errSeveralLines = unreadable("there is more than one line of it")
	errTooLong      = unreadable("it is too long")
	errTooMany      = unreadable("it holds too many certificates")
	errBase64       = unreadable("it is not base64")
	errCertificate  = unreadable("it holds something else than a certificate")
	errNotOneChain  = unreadable("a certificate behind the client's own is not of a CA")
)

func unreadable(why string) error { return fmt.Errorf("%w: %s", ErrUnreadable, why) }

// joinLines makes one value of the lines of a list field (RFC 9110 section 5.3).
func joinLines(lines []string) string {
	if len(lines) == 1 {
		return lines[0]
	}
	return strings.Join(lines, ",")
}

// decode reads a chain in the format that goes with the header's name.
func decode(header string, k headerKey) ([]*x509.Certificate, error) {
	if k.size() > maxHeaderBytes {
		return nil, errTooLong
	}
	switch header {
	case certificateHeader:
		return decodeClientCert(k.value, k.chain)
	case envoyHeader:
		return decodeXFCC(k.value)
	default:
		return decodePlain(k.value)
	}
}

// parseChain reads the DER of one certificate each.
//
// Behind the first only CAs may stand. Where a proxy adds to a value that the client has sent instead of replacing it, the proxy's
// certificate stands behind the client's invention, and this finds it out.
func parseChain(encoded [][]byte) ([]*x509.Certificate, error) {
	if len(encoded) == 0 {
		return nil, ErrNoCertificate
	}
	if len(encoded) > maxCertificates {
		return nil, errTooMany
	}
	chain := make([]*x509.Certificate, 0, len(encoded))
	for i, der := range encoded {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, errCertificate // that of x509 may repeat text of the certificate
		}
		if i > 0 && !c.IsCA {
			return nil, errNotOneChain
		}
		chain = append(chain, c)
	}
	return chain, nil
}

// decodeBase64 takes the standard alphabet, padded or not, of one byte at least.
func decodeBase64(s string) ([]byte, error) {
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(s, "=") {
		encoding = base64.StdEncoding
	}
	if s == "" || strings.ContainsAny(s, "\r\n") { // encoding/base64 would pass over line ends
		return nil, errBase64
	}
	der, err := encoding.DecodeString(s)
	if err != nil {
		return nil, errBase64
	}
	return der, nil
}

// isToken says whether text is a token (RFC 9110 section 5.6.2), as names of header fields are.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

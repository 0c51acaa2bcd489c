package peer

import (
	"crypto/x509"
	"net/url"
	"strings"
)

const (
	beginCertificate = "-----BEGIN CERTIFICATE-----"
	endCertificate   = "-----END CERTIFICATE-----"
)

var (
	errEscape = unreadable("it is not percent-encoded")
	errPEM    = unreadable("it is not PEM of certificates alone")
)

// decodePlain reads certificates in PEM, percent-encoded or with blanks for its line ends, or in plain base64 of DER, separated by commas
// and perhaps percent-encoded. The two cannot be mistaken for each other: base64 has no "-".
func decodePlain(value string) ([]*x509.Certificate, error) {
	text, err := percentDecode(value)
	if err != nil {
		return nil, err
	}
	text = trimBlanks(text)
	if text == "" {
		return nil, ErrNoCertificate
	}
	if strings.HasPrefix(text, "-") {
		encoded, err := decodePEM(text)
		if err != nil {
			return nil, err
		}
		return parseChain(encoded)
	}
	var encoded [][]byte
	for member := range strings.SplitSeq(text, ",") {
		der, err := decodeBase64(trimSpaces(member))
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, der)
	}
	return parseChain(encoded)
}

// percentDecode leaves "+" as it is: it is a letter of base64, which AWS does not escape, and no encoder of these headers writes a blank so.
func percentDecode(value string) (string, error) {
	text, err := url.PathUnescape(value)
	if err != nil {
		return "", errEscape
	}
	return text, nil
}

// decodePEM reads certificates and nothing else. Unlike encoding/pem it takes any blanks in place of line ends, which a header cannot
// hold, and passes over nothing that it does not understand.
func decodePEM(text string) ([][]byte, error) {
	var encoded [][]byte
	for text = trimBlanks(text); text != ""; text = trimBlanks(text) {
		rest, begins := strings.CutPrefix(text, beginCertificate)
		body, rest, ends := strings.Cut(rest, endCertificate)
		if !begins || !ends {
			return nil, errPEM
		}
		der, err := decodeBase64(withoutBlanks(body))
		if err != nil {
			return nil, err
		}
		encoded, text = append(encoded, der), rest
	}
	if len(encoded) == 0 {
		return nil, errPEM
	}
	return encoded, nil
}

const blanks = " \t\r\n"

func trimBlanks(s string) string { return strings.Trim(s, blanks) }

func withoutBlanks(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(blanks, r) {
			return -1
		}
		return r
	}, s)
}

package peer

import (
	"crypto/x509"
	"slices"
	"strings"
)

var (
	errXFCC        = unreadable("it is not a list of elements of keys and values")
	errNoXFCCCert  = unreadable("its last element has neither Cert nor Chain, or one of them twice")
	errChainOfElse = unreadable("its Chain does not begin with its Cert")
)

// decodeXFCC reads Envoy's X-Forwarded-Client-Cert: elements separated by commas, of key=value pairs separated by semicolons, the values
// in double quotes where they hold separators, a quote among them as \".
//
// Each proxy appends an element of the client that is connected to it, so the last one is of the nearest proxy, the only one that is known
// to be trusted; with SANITIZE_SET there is no other. Cert is that client's certificate, Chain all that it has sent, its own first, both in
// percent-encoded PEM.
func decodeXFCC(value string) ([]*x509.Certificate, error) {
	value = trimSpaces(value)
	if value == "" {
		return nil, ErrNoCertificate
	}
	last, err := lastElement(value)
	if err != nil {
		return nil, err
	}
	certs, chains := last.values("cert"), last.values("chain")
	if len(certs)+len(chains) == 0 || len(certs) > 1 || len(chains) > 1 {
		return nil, errNoXFCCCert
	}
	if len(chains) == 0 {
		return decodePEMOnly(certs[0])
	}
	chain, err := decodePEMOnly(chains[0])
	if err != nil || len(certs) == 0 {
		return chain, err
	}
	leaf, err := decodePEMOnly(certs[0])
	if err != nil {
		return nil, err
	}
	if len(leaf) != 1 || !leaf[0].Equal(chain[0]) {
		return nil, errChainOfElse
	}
	return chain, nil
}

// decodePEMOnly is for details of an element: an empty one is not the absence of a certificate, which has no element.
func decodePEMOnly(value string) ([]*x509.Certificate, error) {
	text, err := percentDecode(value)
	if err != nil {
		return nil, err
	}
	encoded, err := decodePEM(text)
	if err != nil {
		return nil, err
	}
	return parseChain(encoded)
}

// detail is one pair of an element.
type detail struct{ key, value string }

type element []detail

// values answers the values of a key, which is written in lower case here and in any there.
func (e element) values(key string) []string {
	var values []string
	for _, d := range e {
		if strings.EqualFold(d.key, key) {
			values = append(values, d.value)
		}
	}
	return values
}

// lastElement reads all elements, because what is a separator depends on the quotes before it, and keeps the last.
func lastElement(s string) (element, error) {
	var current element
	for {
		d, separator, rest, err := nextDetail(s)
		if err != nil {
			return nil, err
		}
		current = append(current, d)
		switch separator {
		case 0:
			return current, nil
		case ',':
			current = slices.Delete(current, 0, len(current))
		}
		s = rest
	}
}

// nextDetail reads a pair and the separator behind it, 0 at the end. A closing quote without one behind it is refused: quotes of a client
// that shift what is quoted are found out by that.
func nextDetail(s string) (d detail, separator byte, rest string, err error) {
	key, s, ok := strings.Cut(s, "=")
	key = trimSpaces(key)
	if !ok || !isToken(key) {
		return d, 0, "", errXFCC
	}
	d.key = key
	if strings.HasPrefix(s, `"`) {
		if d.value, s, ok = unquote(s[1:]); !ok {
			return d, 0, "", errXFCC
		}
	} else {
		end := strings.IndexAny(s, ",;")
		if end < 0 {
			end = len(s)
		}
		d.value, s = s[:end], s[end:]
		if strings.Contains(d.value, `"`) {
			return d, 0, "", errXFCC
		}
	}
	switch s = strings.TrimLeft(s, " \t"); {
	case s == "":
		return d, 0, "", nil
	case s[0] == ',' || s[0] == ';':
		return d, s[0], s[1:], nil
	default:
		return d, 0, "", errXFCC
	}
}

// unquote reads up to the closing quote. Only a quote is escaped; a backslash before anything else is itself.
func unquote(s string) (value, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		case s[i] == '"':
			return strings.ReplaceAll(s[:i], `\"`, `"`), s[i+1:], true
		}
	}
	return "", "", false
}

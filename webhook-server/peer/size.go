package peer

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
)

// What a client may present. The bounds keep strangers from choosing how long the server computes; real chains are far below them.
const (
	// maxCertificates bounds a chain, the client's own certificate included.
	maxCertificates = 8
	maxRSABits      = 4096
	// maxRSAExponent is the largest that crypto/rsa verifies with.
	maxRSAExponent = 1<<31 - 1
)

// CheckSize answers nil, or ErrTooLarge, for what a client presents in a handshake: encoded certificates, its own first. It is for
// tls.Config.VerifyPeerCertificate, which is called before the client's own key is used.
func CheckSize(encoded [][]byte, _ [][]*x509.Certificate) error {
	if len(encoded) > maxCertificates {
		return errLongChain
	}
	for _, der := range encoded {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return errCertificate // crypto/tls has read it before
		}
		if err := checkKey(c); err != nil {
			return err
		}
	}
	return nil
}

var (
	errLongChain = fmt.Errorf("%w: more than %d certificates", ErrTooLarge, maxCertificates)
	errLargeKey  = fmt.Errorf("%w: an RSA key of more than %d bits, or with an exponent of more than 31", ErrTooLarge, maxRSABits)
)

func checkChainSize(chain []*x509.Certificate) error {
	if len(chain) > maxCertificates {
		return errLongChain
	}
	for _, c := range chain {
		if err := checkKey(c); err != nil {
			return err
		}
	}
	return nil
}

func checkKey(c *x509.Certificate) error {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && (key.N.BitLen() > maxRSABits || key.E > maxRSAExponent) {
		return errLargeKey
	}
	return nil
}

package peer

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// What can be wrong with a client certificate. No error repeats text of a certificate or a header, so each may be logged.
var (
	// ErrNoCertificate says that none was presented.
	ErrNoCertificate = errors.New("no client certificate")
	// ErrUnreadable says that a trusted proxy's header does not hold what it should.
	ErrUnreadable = errors.New("client certificate header cannot be read")
	// ErrTooLarge says that there are more certificates or larger keys than are looked at.
	ErrTooLarge = errors.New("client certificate chain is too large")
	// ErrUntrusted says that no chain leads from it to a CA of the gateway.
	ErrUntrusted = errors.New("client certificate is not of an accepted CA")
	// ErrExpired says that it, or a CA above it, is not valid any more.
	ErrExpired = errors.New("client certificate has expired")
	// ErrNotYetValid says that it, or a CA above it, is not valid yet.
	ErrNotYetValid = errors.New("client certificate is not valid yet")
	// ErrUsage says that it, or a CA above it, is not meant for client authentication.
	ErrUsage = errors.New("client certificate is not for client authentication")
	// ErrSubject says that none of the listed subjects is its own.
	ErrSubject = errors.New("client certificate's subject is not listed")
	// ErrSubjectAltName says that it carries none of the listed alternative names.
	ErrSubjectAltName = errors.New("client certificate carries no listed alternative name")
)

// chainError is an error of x509 without the names that those repeat.
func chainError(err error, leaf *x509.Certificate, now time.Time) error {
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) {
		return ErrUntrusted
	}
	switch invalid.Reason {
	case x509.Expired:
		return dateError(invalid.Cert, leaf, now)
	case x509.IncompatibleUsage:
		return ErrUsage
	case x509.NotAuthorizedToSign:
		return fmt.Errorf("%w: an issuer may not sign certificates", ErrUntrusted)
	case x509.TooManyIntermediates:
		return fmt.Errorf("%w: an issuer allows fewer intermediates", ErrUntrusted)
	case x509.CANotAuthorizedForThisName, x509.TooManyConstraints, x509.UnconstrainedName, x509.NameConstraintsWithoutSANs, x509.CANotAuthorizedForExtKeyUsage:
		return fmt.Errorf("%w: an issuer's constraints do not hold", ErrUntrusted)
	default:
		return ErrUntrusted
	}
}

func dateError(bad, leaf *x509.Certificate, now time.Time) error {
	whose := "its own dates"
	if !bad.Equal(leaf) {
		whose = "the dates of a CA above it"
	}
	if now.Before(bad.NotBefore) {
		return fmt.Errorf("%w by %s: from %s", ErrNotYetValid, whose, bad.NotBefore.UTC().Format(time.RFC3339))
	}
	return fmt.Errorf("%w by %s: at %s", ErrExpired, whose, bad.NotAfter.UTC().Format(time.RFC3339))
}

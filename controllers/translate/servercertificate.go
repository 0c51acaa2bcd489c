package translate

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// serverCertificate answers the id of the certificate and key that the server presents on the hostnames, empty when there is no reference or it
// does not resolve. A certificate that no caller could accept is a problem, so that it does not take the place of a good one. One that expires
// while it is presented is none: to keep what is served would keep it too, and hold up every other change of the gateway. The condition
// about certificates says it.
func (r *references) serverCertificate(t *v1alpha1.ServerTLS, hostnames []v1alpha1.Hostname) string {
	if t == nil {
		return ""
	}
	at, ref := field.NewPath("spec", "tls", "certificateSecretRef"), &t.CertificateSecretRef
	certificate, ok := r.keyCertificate(at, ref, v1alpha1.CertificateServer)
	if !ok {
		return ""
	}
	chain, err := chainOf(certificate.CertificatePEM)
	if err == nil {
		err = usableByServer(chain[0])
	}
	if err == nil {
		err = validFor(chain[0], hostnames)
	}
	if err == nil {
		err = r.validNow(chain[0], certificate.ID == r.served)
	}
	if err != nil {
		r.invalid(at, ref, err)
		return ""
	}
	r.issuer = issuerOf(chain)
	r.material.Certificates = addMaterial(r.material.Certificates, certificate, certificateID)
	return certificate.ID
}

// chainOf answers the certificates of a chain, the server's own first and each signed by the next: a server would present them without a look,
// and a gap would leave Thales, who pin the chain, without a way to its root.
func chainOf(chain string) ([]*x509.Certificate, error) {
	const begin = "-----BEGIN CERTIFICATE-----"
	var all []*x509.Certificate
	for block, rest := pem.Decode([]byte(chain)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of %s cannot be read", len(all)+1, v1alpha1.KeyTLSCertificate)
		}
		all = append(all, certificate)
	}
	// pem.Decode passes over a damaged block in silence.
	if len(all) == 0 || len(all) != strings.Count(chain, begin) {
		return nil, fmt.Errorf("%s holds a damaged certificate", v1alpha1.KeyTLSCertificate)
	}
	for i, signed := range all[:len(all)-1] {
		if signed.CheckSignatureFrom(all[i+1]) != nil {
			return nil, fmt.Errorf("certificate %d of %s is not signed by certificate %d: the server's own comes first, then the one that signed it, and so on",
				i+1, v1alpha1.KeyTLSCertificate, i+2)
		}
	}
	return all, nil
}

// minServerRSABits is what TLS libraries ask of an RSA key.
const minServerRSABits = 2048

// usableByServer refuses what callers' TLS libraries refuse.
func usableByServer(leaf *x509.Certificate) error {
	if key, ok := leaf.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minServerRSABits {
		return fmt.Errorf("the certificate's RSA key has %d bits: callers want %d or more", key.N.BitLen(), minServerRSABits)
	}
	usages := leaf.ExtKeyUsage
	if len(usages)+len(leaf.UnknownExtKeyUsage) > 0 && !slices.Contains(usages, x509.ExtKeyUsageServerAuth) && !slices.Contains(usages, x509.ExtKeyUsageAny) {
		return errors.New("the certificate is not for servers: its extended key usage lacks serverAuth")
	}
	return nil
}

func validFor(leaf *x509.Certificate, hostnames []v1alpha1.Hostname) error {
	if slices.ContainsFunc(hostnames, func(h v1alpha1.Hostname) bool { return leaf.VerifyHostname(string(h)) == nil }) {
		return nil
	}
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return fmt.Errorf("the certificate is for %s, which is none of spec.hostnames (%s)", someOf(names), someOf(hostnames))
}

// validNow remembers when its answer changes. served says whether the certificate is presented already.
func (r *references) validNow(leaf *x509.Certificate, served bool) error {
	switch {
	case r.now.Before(leaf.NotBefore):
		r.nextChange = sooner(r.nextChange, leaf.NotBefore)
		return errors.New("the certificate is not valid yet")
	case r.now.After(leaf.NotAfter) && served:
		return nil
	case r.now.After(leaf.NotAfter):
		return errors.New("the certificate has expired")
	default:
		r.nextChange = sooner(r.nextChange, leaf.NotAfter.Add(time.Second))
		return nil
	}
}

// someOf writes the first few of a list, quoted: a message has room for no more.
func someOf[T ~string](all []T) string {
	const most = 5
	if len(all) == 0 {
		return "no name at all"
	}
	var some []string
	for _, one := range all[:min(len(all), most)] {
		some = append(some, fmt.Sprintf("%.100q", string(one)))
	}
	if more := len(all) - most; more > 0 {
		some = append(some, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(some, ", ")
}

package translate

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// issuerOf answers who has issued the first certificate of a chain. The id follows from the issuer's name and key: a certificate that the
// same CA renews keeps it, and a CA that has taken another key does not.
func issuerOf(chain []*x509.Certificate) *v1alpha1.CertificateIssuerStatus {
	digest := sha256.New()
	for _, part := range [][]byte{chain[0].RawIssuer, issuerKey(chain)} {
		_, _ = fmt.Fprintf(digest, "%d:%s", len(part), part)
	}
	// Twelve hexadecimal digits cannot pass for a card number, which has 13 or more.
	const idBytes = 6
	return &v1alpha1.CertificateIssuerStatus{
		ID:   hex.EncodeToString(digest.Sum(nil)[:idBytes]),
		Name: cmp.Or(shownName(chain[0].Issuer), "(no name)"),
	}
}

// issuerKey answers what is known of the key that has signed the first certificate of a chain: the identifier that it names (RFC 5280 section
// 4.2.1.1), else the key itself, when the chain holds it or the certificate has signed itself. Nothing when the certificate does not tell.
func issuerKey(chain []*x509.Certificate) []byte {
	leaf := chain[0]
	switch {
	case len(leaf.AuthorityKeyId) > 0:
		return leaf.AuthorityKeyId
	case len(chain) > 1:
		return chain[1].RawSubjectPublicKeyInfo
	case leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil:
		return leaf.RawSubjectPublicKeyInfo
	default:
		return nil
	}
}

// issuerStatus answers what the status says of the server certificate's issuer. seen is who has issued the certificate that resolves now, nil when
// none does: then nothing has changed since the status before.
func issuerStatus(g *v1alpha1.MerchantGateway, seen *v1alpha1.CertificateIssuerStatus) *v1alpha1.CertificateIssuerStatus {
	if g.Spec.TLS == nil {
		return nil
	}
	before := g.Status.ServerCertificateIssuer
	if seen == nil && before == nil {
		return nil
	}
	acknowledged := g.Annotations[v1alpha1.AnnotationAcknowledgedIssuer]
	now := *cmp.Or(seen, before)
	now.PreviousID, now.PreviousName = "", ""
	if before == nil || now.ID == acknowledged {
		return &now
	}
	id, name := acknowledgedIssuer(*before)
	if id != now.ID {
		now.PreviousID, now.PreviousName = id, name
	}
	return &now
}

// acknowledgedIssuer answers the issuer that was acknowledged last: the one before, or the one that this has in memory.
func acknowledgedIssuer(before v1alpha1.CertificateIssuerStatus) (id, name string) {
	if before.PreviousID == "" {
		return before.ID, before.Name
	}
	return before.PreviousID, before.PreviousName
}

// issuerWarning answers what is to be said of a change of the issuer, empty when there is none.
func issuerWarning(g *v1alpha1.MerchantGateway, issuer *v1alpha1.CertificateIssuerStatus) string {
	if issuer == nil || issuer.PreviousID == "" {
		return ""
	}
	change := fmt.Sprintf("%.100q and no longer by %.100q", issuer.Name, issuer.PreviousName)
	if issuer.Name == issuer.PreviousName {
		change = fmt.Sprintf("%.100q with another key than before", issuer.Name)
	}
	return fmt.Sprintf("spec.tls.certificateSecretRef: the server certificate in Secret %q is issued by %s; Thales pins the chain: tell them, then kubectl annotate merchantgateway %s -n %s --overwrite %s=%s",
		g.Spec.TLS.CertificateSecretRef.Name, change, g.Name, g.Namespace, v1alpha1.AnnotationAcknowledgedIssuer, issuer.ID)
}

// shownName writes a name for the status (RFC 4514). It comes from outside: card numbers in it are masked, before it is cut, lest a part of one
// stay, and after, since a longer run of digits may be cut to what passes for one.
func shownName(name pkix.Name) string {
	const most = 512
	text := []rune(serving.MaskCardNumbers(name.String()))
	return serving.MaskCardNumbers(string(text[:min(len(text), most)]))
}

package translate

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	// expiryWarning is how long before its expiry a certificate is warned about.
	expiryWarning = 30 * 24 * time.Hour
	// certificatesInStatus bounds status.certificates.
	certificatesInStatus = 64
)

// certificateUse is a Secret and what a gateway uses the certificates in it for.
type certificateUse struct {
	secretName string
	use        v1alpha1.CertificateUse
}

// usedCertificate is what the Secret of a use holds now: of a chain or bundle, the certificate that expires first.
type usedCertificate struct {
	certificateUse
	// at is the first field that refers to it.
	at      string
	subject string
	expires time.Time
}

// uses remembers what the Secret that a field refers to holds for a use, good or not. Nothing is remembered of what cannot be read: the
// reference is a problem then.
func (r *references) uses(at *field.Path, secretName string, use v1alpha1.CertificateUse, certificates string) {
	key := certificateUse{secretName, use}
	if _, known := r.used[key]; known {
		return
	}
	if first := firstToExpire(certificates); first != nil {
		r.used[key] = usedCertificate{key, at.String(), shownName(first.Subject), later(wholeSeconds(first.NotAfter), time.Unix(0, 0).UTC())}
	}
}

// firstToExpire answers the certificate in PEM that expires first, nil when there is none.
func firstToExpire(certificates string) *x509.Certificate {
	var first *x509.Certificate
	for block, rest := pem.Decode([]byte(certificates)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err == nil && (first == nil || one.NotAfter.Before(first.NotAfter)) {
			first = one
		}
	}
	return first
}

// usedCertificates answers them in the order of their expiry, and in the same order every time.
func (r *references) usedCertificates() []usedCertificate {
	all := make([]usedCertificate, 0, len(r.used))
	for _, c := range r.used {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b usedCertificate) int {
		return cmp.Or(a.expires.Compare(b.expires), strings.Compare(a.secretName, b.secretName), cmp.Compare(a.use, b.use))
	})
	return all
}

// warning answers what there is to say of the certificate at a time, empty when there is nothing.
func (c usedCertificate) warning(now time.Time) string {
	switch {
	case now.After(c.expires):
		return fmt.Sprintf("%s: a certificate in Secret %q (%s) has expired", c.at, c.secretName, c.use)
	case !now.Before(c.expires.Add(-expiryWarning)):
		return fmt.Sprintf("%s: a certificate in Secret %q (%s) expires within 30 days", c.at, c.secretName, c.use)
	default:
		return ""
	}
}

// nextChange is when the time alone changes its warning; zero when it won't.
func (c usedCertificate) nextChange(now time.Time) time.Time {
	for _, change := range []time.Time{c.expires.Add(-expiryWarning), c.expires.Add(time.Second)} {
		if now.Before(change) {
			return change
		}
	}
	return time.Time{}
}

// addCertificates shows in the status what certificates the gateway makes use of, and what is to be said of them. It comes after the other
// conditions: it is a warning, and Ready does not follow from it.
func (r *references) addCertificates(g *v1alpha1.MerchantGateway, out *GatewayOutput) {
	if out.Action == Withdraw {
		return
	}
	all := r.usedCertificates()
	for _, c := range all {
		out.NextChange = sooner(out.NextChange, c.nextChange(r.now))
	}
	for _, c := range all[:min(len(all), certificatesInStatus)] {
		out.Status.Certificates = append(out.Status.Certificates,
			v1alpha1.CertificateStatus{SecretName: c.secretName, Use: c.use, Subject: c.subject, ExpiryTime: statusTime(c.expires)})
	}
	out.Status.ServerCertificateIssuer = issuerStatus(g, r.issuer)
	changed := issuerWarning(g, out.Status.ServerCertificateIssuer)
	if len(all) == 0 && changed == "" {
		return
	}
	current := certificatesCurrent(all, changed, r.now)
	out.Status.Conditions = append(out.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionCertificatesCurrent, Status: current.status, Reason: current.reason, Message: current.message, ObservedGeneration: g.Generation,
	})
}

// certificatesCurrent answers the verdict over certificates in the order of their expiry. issuerChanged is what is to be said of the issuer.
func certificatesCurrent(all []usedCertificate, issuerChanged string, now time.Time) verdict {
	var messages []string
	for _, c := range all {
		if warning := c.warning(now); warning != "" {
			messages = append(messages, warning)
		}
	}
	reason := v1alpha1.ReasonCertificateExpiring
	switch {
	case len(messages) == 0 && issuerChanged == "":
		return yes(v1alpha1.ReasonCertificatesCurrent, "No certificate expires within 30 days")
	case len(messages) == 0:
		reason = v1alpha1.ReasonIssuerChanged
	case len(messages) > problemsInMessage:
		messages = append(messages[:problemsInMessage], fmt.Sprintf("and %d more", len(messages)-problemsInMessage))
	}
	if issuerChanged != "" {
		messages = append(messages, issuerChanged)
	}
	return no(reason, strings.Join(messages, "; "))
}

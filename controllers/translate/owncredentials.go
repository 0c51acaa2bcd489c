package translate

import (
	"fmt"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// ownCredentials answers the credentials that stand in the spec: public keys, or the rules for a certificate. There is nothing to keep secret, to
// hand over or to rotate. The error says, by field, what cannot be used, and repeats nothing of a key.
func ownCredentials(in ClientInput) (issue, error) {
	out := issue{clientID: EffectiveClientID(in.Client, nil, in.Previous)}
	if originOf(in.Client) == originCertificate {
		rules := ownCertificate(in)
		if rules == nil {
			return issue{}, fmt.Errorf("spec.credentials.certificate: it is missing")
		}
		out.certificate = rules
		return out, nil
	}
	keys, err := parseKeySet(in.Client.Spec.Credentials.JWKS)
	if err != nil {
		return issue{}, fmt.Errorf("spec.credentials.jwks: %w", err)
	}
	for i := range keys {
		keys[i].CreatedAt = firstSeen(in, keys[i].ID)
	}
	out.publicKeys = keys
	return out, nil
}

func ownCertificate(in ClientInput) *serving.OwnCertificate {
	spec := in.Client.Spec.Credentials.Certificate
	if spec == nil {
		return nil
	}
	rules := certificateRules(spec.Subjects, spec.SubjectAltNames)
	// Both lists are sets: their order means nothing.
	slices.Sort(rules.Subjects)
	slices.Sort(rules.SubjectAltNames)
	parts := append([]string{fmt.Sprint(len(rules.Subjects))}, rules.Subjects...)
	id := materialID(certificateMaterial, append(parts, rules.SubjectAltNames...)...)
	return &serving.OwnCertificate{ID: id, CertificateRules: rules, CreatedAt: firstSeen(in, id)}
}

// firstSeen answers since when the client has the credential.
func firstSeen(in ClientInput, id string) time.Time {
	if in.Previous == nil {
		return in.Now
	}
	if own := in.Previous.Certificate; own != nil && own.ID == id {
		return own.CreatedAt
	}
	if i := slices.IndexFunc(in.Previous.PublicKeys, func(k serving.PublicKey) bool { return k.ID == id }); i >= 0 {
		return in.Previous.PublicKeys[i].CreatedAt
	}
	return in.Now
}

func certificateRules(subjects []v1alpha1.CertificateSubject, names []v1alpha1.CertificateSubjectAltName) serving.CertificateRules {
	var rules serving.CertificateRules
	for _, s := range subjects {
		rules.Subjects = append(rules.Subjects, string(s))
	}
	for _, n := range names {
		rules.SubjectAltNames = append(rules.SubjectAltNames, string(n))
	}
	return rules
}

// ownCredentialStatus lists the credentials that stand in the spec.
func ownCredentialStatus(in ClientInput, served *serving.Client) []v1alpha1.CredentialStatus {
	var all []v1alpha1.CredentialStatus
	for _, k := range served.PublicKeys {
		all = append(all, v1alpha1.CredentialStatus{ID: k.ID, CreatedTime: statusTime(k.CreatedAt), LastUsedTime: statusTime(lastUse(in, k.ID))})
	}
	if own := served.Certificate; own != nil {
		all = append(all, v1alpha1.CredentialStatus{ID: own.ID, CreatedTime: statusTime(own.CreatedAt), LastUsedTime: statusTime(lastUse(in, own.ID))})
	}
	return all
}

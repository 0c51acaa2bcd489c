package translate

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// references resolves what a MerchantGateway refers to: it gathers the material of the Secrets, and a problem for each that does not resolve.
type references struct {
	namespace string
	secrets   map[string]*corev1.Secret
	now       time.Time
	material  serving.GatewaySecrets
	problems  []problem
	// nextChange is when time alone will change what resolves; zero when it won't.
	nextChange time.Time
	// served is the id of the server certificate that servers present now, empty when there is none.
	served string
	// used are the certificates that the gateway makes use of, and issuer has issued the one for D1; nil when that does not resolve.
	used   map[certificateUse]usedCertificate
	issuer *v1alpha1.CertificateIssuerStatus

	// A thousand merchants may share one Secret; certificates are parsed once.
	bundles      parsed[serving.CABundle]
	certificates parsed[serving.KeyCertificate]
	credentials  parsed[serving.ClientCredentials]

	// knownCredentials are those of the previous document, which keep their ids; newID makes one for the others.
	knownCredentials []serving.ClientCredentials
	newID            func() string
}

// parsed remembers by Secret name what was read from it.
type parsed[T any] map[string]reading[T]

type reading[T any] struct {
	value T
	err   error
}

func (p parsed[T]) read(secret *corev1.Secret, parse func(map[string][]byte) (T, error)) (T, error) {
	r, done := p[secret.Name]
	if !done {
		r.value, r.err = parse(secret.Data)
		p[secret.Name] = r
	}
	return r.value, r.err
}

func newReferences(in GatewayInput) *references {
	r := &references{
		namespace: in.Gateway.Namespace, secrets: in.Secrets, now: in.Now, used: map[certificateUse]usedCertificate{},
		bundles: parsed[serving.CABundle]{}, certificates: parsed[serving.KeyCertificate]{}, credentials: parsed[serving.ClientCredentials]{},
		newID: in.Generate.ID,
	}
	if in.Previous != nil {
		r.served = in.Previous.ServerCertificate
	}
	if in.PreviousSecrets != nil {
		r.knownCredentials = in.PreviousSecrets.ClientCredentials
	}
	return r
}

func (r *references) report(p problem) {
	if !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

// invalid reports that a Secret holds something that cannot be used.
func (r *references) invalid(at *field.Path, ref *v1alpha1.SecretReference, err error) {
	r.report(problemAt(at, v1alpha1.ReasonSecretInvalid, "Secret %q: %v", ref.Name, err))
}

// secret answers the Secret, or nil when it may not be used.
func (r *references) secret(at *field.Path, ref *v1alpha1.SecretReference) *corev1.Secret {
	secret, p := usableSecret(at, r.namespace, ref.Name, r.secrets[ref.Name])
	if p != nil {
		r.report(*p)
	}
	return secret
}

// usableSecret answers the Secret of the user's if it exists and may be used, else the problem.
func usableSecret(at *field.Path, namespace, name string, secret *corev1.Secret) (*corev1.Secret, *problem) {
	if secret == nil {
		p := problemAt(at, v1alpha1.ReasonSecretNotFound, "Secret %q does not exist in namespace %q", name, namespace)
		return nil, &p
	}
	if !useAllowed(secret) {
		p := problemAt(at, v1alpha1.ReasonSecretUseNotAllowed, "Secret %q must carry the label %s: \"true\"", name, v1alpha1.LabelAllowUse)
		return nil, &p
	}
	return secret, nil
}

func useAllowed(secret *corev1.Secret) bool { return secret.Labels[v1alpha1.LabelAllowUse] == "true" }

// caBundle answers the id of the CA bundle in the Secret, empty when there is no reference or it does not resolve.
func (r *references) caBundle(at *field.Path, ref *v1alpha1.SecretReference, use v1alpha1.CertificateUse) string {
	if ref == nil {
		return ""
	}
	secret := r.secret(at, ref)
	if secret == nil {
		return ""
	}
	bundle, err := r.bundles.read(secret, parseCABundle)
	if err != nil {
		r.invalid(at, ref, err)
		return ""
	}
	r.uses(at, ref.Name, use, bundle.PEM)
	r.material.CABundles = addMaterial(r.material.CABundles, bundle, caBundleID)
	return bundle.ID
}

// clientCertificate answers the id of the certificate and key in the Secret, empty when there is no reference or it does not resolve.
func (r *references) clientCertificate(at *field.Path, ref *v1alpha1.SecretReference, use v1alpha1.CertificateUse) string {
	if ref == nil {
		return ""
	}
	certificate, ok := r.keyCertificate(at, ref, use)
	if !ok {
		return ""
	}
	r.material.Certificates = addMaterial(r.material.Certificates, certificate, certificateID)
	return certificate.ID
}

// keyCertificate answers the certificate and key in the Secret, and whether it resolves.
func (r *references) keyCertificate(at *field.Path, ref *v1alpha1.SecretReference, use v1alpha1.CertificateUse) (serving.KeyCertificate, bool) {
	secret := r.secret(at, ref)
	if secret == nil {
		return serving.KeyCertificate{}, false
	}
	certificate, err := r.certificates.read(secret, parseKeyCertificate)
	if err != nil {
		r.invalid(at, ref, err)
		return serving.KeyCertificate{}, false
	}
	r.uses(at, ref.Name, use, certificate.CertificatePEM)
	return certificate, true
}

// signingSecrets answers the ids of the delivery signing secrets in the Secret, the current one first.
func (r *references) signingSecrets(at *field.Path, ref *v1alpha1.SecretReference) []string {
	secret := r.secret(at, ref)
	if secret == nil {
		return nil
	}
	current, err := parseSigningSecret(secret.Data, v1alpha1.KeySigningSecret)
	if err != nil {
		r.invalid(at, ref, err)
		return nil
	}
	all := []serving.Secret{current}
	if len(secret.Data[v1alpha1.KeyPreviousSigningSecret]) > 0 {
		previous, err := parseSigningSecret(secret.Data, v1alpha1.KeyPreviousSigningSecret)
		if err != nil {
			r.invalid(at, ref, err)
			return nil
		}
		all = append(all, previous)
	}
	var ids []string
	for _, s := range all {
		m := serving.SigningSecret{ID: materialID(usersSigningSecret, ref.Name, s.Reveal()), Secret: s}
		r.material.SigningSecrets = addMaterial(r.material.SigningSecrets, m, signingSecretID)
		if !slices.Contains(ids, m.ID) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// tls resolves the material of a connection. ca and client are what its two certificates are used for.
func (r *references) tls(at *field.Path, t *v1alpha1.ClientTLS, ca, client v1alpha1.CertificateUse) serving.TLS {
	if t == nil {
		return serving.TLS{}
	}
	return serving.TLS{
		CABundle:          r.caBundle(at.Child("caSecretRef"), t.CASecretRef, ca),
		ClientCertificate: r.clientCertificate(at.Child("clientCertificateSecretRef"), t.ClientCertificateSecretRef, client),
	}
}

// missingKey is the error for a Secret without a key.
func missingKey(key string) error { return fmt.Errorf("the key %s is missing or empty", key) }

package translate

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

func deliverySecretName(g *v1alpha1.MerchantGateway) string { return g.Name + "-delivery-signing" }

// findDeliverySigning answers where the generated material stands, by the documents and by what the Secret shows. What the Secret shows of HMAC counts:
// backends go by it. When it was lost, what servers sign with is shown again, so that the backends need not change.
func (r *references) findDeliverySigning(in GatewayInput, all deliveries) *deliverySigning {
	s := newDeliverySigning(in, all)
	name := deliverySecretName(in.Gateway)
	secret := in.Secrets[name]
	if secret == nil {
		return s
	}
	at := field.NewPath("spec", "delivery", "signing")
	if !generatedFor(secret, in.Gateway, kindMerchantGateway) {
		r.report(problemAt(at, v1alpha1.ReasonSecretNotOwned,
			"Secret %q, where the generated signing secret belongs, was not made for this MerchantGateway and is not touched; name it in secretRef to use it, or remove it", name))
		return s
	}
	s.shownKey = string(secret.Data[v1alpha1.KeyPublicKey])
	if l := s.line(v1alpha1.SigningHMAC); l != nil {
		if err := s.goBy(secret, l); err != nil {
			r.report(problemAt(at, v1alpha1.ReasonSecretInvalid, "generated Secret %q: %v", name, err))
		}
	}
	return s
}

// goBy takes up what the Secret shows of HMAC. A person rotates the generated secret by hand like their own: both sign while the previous one is there.
func (s *deliverySigning) goBy(secret *corev1.Secret, l *signingLine) error {
	lost := len(l.secrets) == 0
	current, err := parseHMAC(secret.Data, v1alpha1.KeySigningSecret)
	if err != nil {
		return nil //nolint:nilerr // what does not parse is replaced: the secret is shown again
	}
	if place := l.find(current.Reveal()); place != 0 && (place != 1 || !l.waits()) {
		l.takeOver(s.dated(current))
		l.tookOver = !lost
	}
	s.shownSecret = current
	text := string(secret.Data[v1alpha1.KeyPreviousSigningSecret])
	if text == "" || l.find(text) >= 0 || s.isFormer(text) {
		return nil
	}
	previous, err := parseHMAC(secret.Data, v1alpha1.KeyPreviousSigningSecret)
	if err != nil {
		return err
	}
	if until, dated := signsUntil(secret); dated && lost {
		former := s.dated(previous)
		former.SignsUntil = until
		l.secrets = append(l.secrets, former)
		return nil
	}
	s.byHand = previous
	return nil
}

// isFormer says whether the text is generated material that has an end: it stands in the Secret as long as the operator leaves it there.
func (s *deliverySigning) isFormer(text string) bool {
	return s.in.PreviousSecrets != nil && slices.ContainsFunc(s.in.PreviousSecrets.SigningSecrets, func(had serving.SigningSecret) bool {
		return had.Secret.Reveal() == text && !had.SignsUntil.IsZero()
	})
}

// parseHMAC reads a secret that is none of Ed25519.
func parseHMAC(data map[string][]byte, key string) (serving.Secret, error) {
	secret, err := parseSigningSecret(data, key)
	if err == nil && deliveryAlgorithm(secret) != v1alpha1.SigningHMAC {
		err = notHMAC(key)
	}
	return secret, err
}

// signsUntil answers the date that the Secret shows of its former material.
func signsUntil(secret *corev1.Secret) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.AnnotationPreviousSignsUntil])
	return wholeSeconds(at), err == nil
}

// shows says whether the Secret shows the material.
func (s *deliverySigning) shows(one serving.SigningSecret) bool {
	if deliveryAlgorithm(one.Secret) == v1alpha1.SigningEd25519 {
		return publicKeyOf(one.Secret) == s.shownKey
	}
	return one.Secret.Reveal() == s.shownSecret.Reveal()
}

// object answers the Secret that shows backends what to verify with.
func (s *deliverySigning) object() *corev1.Secret {
	data := map[string][]byte{}
	var until time.Time
	for _, l := range s.lines {
		current, former := l.shown()
		if l.algorithm == v1alpha1.SigningHMAC && !s.byHand.IsZero() {
			former = serving.SigningSecret{Secret: s.byHand}
		}
		until = later(until, former.SignsUntil)
		if l.algorithm == v1alpha1.SigningEd25519 {
			data[v1alpha1.KeyPublicKey] = []byte(publicKeyOf(current.Secret))
			if !former.Secret.IsZero() {
				data[v1alpha1.KeyPreviousPublicKey] = []byte(publicKeyOf(former.Secret))
			}
			continue
		}
		data[v1alpha1.KeySigningSecret] = []byte(current.Secret.Reveal())
		if !former.Secret.IsZero() {
			data[v1alpha1.KeyPreviousSigningSecret] = []byte(former.Secret.Reveal())
		}
	}
	secret := generatedSecret(deliverySecretName(s.in.Gateway), s.in.Gateway, kindMerchantGateway, data)
	date(secret, v1alpha1.AnnotationPreviousSignsUntil, until)
	return secret
}

// SignsWithShown says whether servers sign with what a delivery signing Secret shows to backends as the current material.
func SignsWithShown(served *serving.GatewaySecrets, shown *corev1.Secret) bool {
	if served == nil {
		return false
	}
	signs := func(key string, verifier func(serving.SigningSecret) string) bool {
		text := string(shown.Data[key])
		return text == "" || slices.ContainsFunc(served.SigningSecrets, func(s serving.SigningSecret) bool { return verifier(s) == text })
	}
	return signs(v1alpha1.KeySigningSecret, func(s serving.SigningSecret) string { return s.Secret.Reveal() }) &&
		signs(v1alpha1.KeyPublicKey, func(s serving.SigningSecret) string { return publicKeyOf(s.Secret) })
}

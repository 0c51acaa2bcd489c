package oauthclient_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestNoCardNumberShows: names, client ids, subjects and key ids that pass for a card number are masked wherever they are repeated, and secrets
// show nowhere.
func TestNoCardNumberShows(t *testing.T) {
	t.Parallel()
	const card, masked = "4111111111111111", "************1111"
	const planted = "cGxhbnRlZCBwcml2YXRlIGtleSwgbmV2ZXIgdG8gYmUgc2hvd24"
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	s.Create(t, s.UserSecret("ca", map[string]string{"ca.crt": testenv.CA(t, card)}))
	gateway := s.Gateway(card, "MGW_000001")
	gateway.Spec.Authentication.ClientCertificate = v1alpha1.ClientCertificate{Mode: v1alpha1.ClientCertificateRequired, CASecretRef: &v1alpha1.SecretReference{Name: "ca"}}
	s.Create(t, gateway)
	s.WaitReady(t, gateway)

	// A secret of the user's: the Secret is missing, then its client_id contradicts the spec, then it works.
	existing := s.ExistingClient("a-"+card, card)
	existing.Spec.ClientID = card
	s.Create(t, existing)
	s.WaitCondition(t, existing, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	secret := s.UserSecret("a-"+card+"-credentials", map[string]string{"client_id": "4222222222222", "client_secret": planted})
	s.Create(t, secret)
	s.WaitCondition(t, existing, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	s.Update(t, secret, func() { secret.StringData = map[string]string{"client_id": card} })
	s.WaitReady(t, existing)

	// Another with its id, by a method that the gateway does not list, and a private key that somebody has pasted.
	taken := keyClient(s, "b-"+card, card, publicKey+`,"kid":"`+card+`"`)
	taken.Spec.ClientID = card
	s.Create(t, taken)
	s.WaitCondition(t, taken, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonClientIDConflict)
	s.WaitCondition(t, taken, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonMethodNotAllowed)
	pasted := keyClient(s, "c-"+card, card, publicKey+`,"kid":"`+card+`","d":"`+planted+`"`)
	s.Create(t, pasted)
	s.WaitCondition(t, pasted, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid)

	byCertificate := s.OAuthClient("d-"+card, card)
	byCertificate.Spec.Credentials = v1alpha1.ClientCredentials{
		Method: v1alpha1.CredentialsTLSClientAuth, Certificate: &v1alpha1.CertificateRules{Subjects: []v1alpha1.CertificateSubject{"CN=" + card}},
	}
	s.Create(t, byCertificate)
	s.WaitCondition(t, byCertificate, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonMethodNotAllowed)

	s.WaitEvent(t, byCertificate, v1alpha1.ReasonMethodNotAllowed)
	s.MustMask(t, masked)
	// The key itself stands in the resource, where somebody has put it, and must stand nowhere else.
	s.Update(t, pasted, func() { pasted.Spec.Credentials.JWKS = keySet(publicKey) })
	s.MustNotShow(t, planted)
}

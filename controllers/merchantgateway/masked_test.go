package merchantgateway_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// TestNoCardNumberShows: names and hosts that pass for a card number are masked wherever they are repeated, and secrets show nowhere.
func TestNoCardNumberShows(t *testing.T) {
	t.Parallel()
	const card, masked = "4111111111111111", "************1111"
	const planted = "planted0planted0planted0planted0"
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	gateway := s.Gateway(card, "MGW_000001")
	gateway.Spec.Hostnames = []v1alpha1.Hostname{"d1.4222222222222.example"}
	gateway.Spec.TLS = &v1alpha1.ServerTLS{CertificateSecretRef: v1alpha1.SecretReference{Name: card + "-tls"}}
	gateway.Spec.Authentication.ClientCertificate = v1alpha1.ClientCertificate{
		Mode: v1alpha1.ClientCertificateRequired, CASecretRef: &v1alpha1.SecretReference{Name: card + "-ca"},
		Subjects: []v1alpha1.CertificateSubject{"CN=" + card}, SubjectAltNames: []v1alpha1.CertificateSubjectAltName{"DNS:" + card + ".example"},
	}
	s.Create(t, gateway)
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)

	ca := s.UserSecret(card+"-ca", map[string]string{"ca.crt": planted + card})
	certificate := s.UserSecret(card+"-tls", testenv.ServerCertificate(t, "d1."+card+".example"))
	certificate.Type = corev1.SecretTypeTLS
	s.Create(t, ca, certificate)
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	s.Update(t, ca, func() { ca.StringData = map[string]string{"ca.crt": testenv.CA(t, card)} })
	s.Update(t, certificate, func() { certificate.StringData = testenv.ServerCertificate(t, "d1.4222222222222.example") })
	s.WaitReady(t, gateway)

	// Another of the same id names the first in its condition and its event.
	second := s.Gateway("second-6304000000000000000", "MGW_000001")
	s.Create(t, second)
	s.WaitCondition(t, second, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonGatewayIDConflict)
	s.WaitEvent(t, second, v1alpha1.ReasonGatewayIDConflict)
	s.MustMask(t, masked)
	s.MustNotShow(t, planted)
}

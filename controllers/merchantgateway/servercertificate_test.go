package merchantgateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// withServerCertificate answers a served gateway of the host d1.acme.example and the Secret with its certificate.
func withServerCertificate(t *testing.T) (*testenv.Setting, *v1alpha1.MerchantGateway, *corev1.Secret) {
	t.Helper()
	s := cluster.NewSetting(t)
	s.StartOperator(t, interceptor.Funcs{})
	secret := s.UserSecret("acme-tls", testenv.ServerCertificate(t, "d1.acme.example"))
	secret.Type = corev1.SecretTypeTLS
	gateway := s.Gateway("acme", "MGW_000001")
	gateway.Spec.Hostnames = []v1alpha1.Hostname{"d1.acme.example"}
	gateway.Spec.TLS = &v1alpha1.ServerTLS{CertificateSecretRef: v1alpha1.SecretReference{Name: "acme-tls"}}
	s.Create(t, secret, gateway)
	s.WaitReady(t, gateway)
	return s, gateway, secret
}

// TestARenewedServerCertificateReachesTheServers: cert-manager writes the Secret anew, and nobody touches the gateway.
func TestARenewedServerCertificateReachesTheServers(t *testing.T) {
	t.Parallel()
	s, gateway, secret := withServerCertificate(t)
	first := s.GatewayDocument(t, gateway, nil).ServerCertificate
	renewed := testenv.ServerCertificate(t, "d1.acme.example")
	s.Update(t, secret, func() { secret.StringData = renewed })
	second := s.GatewayDocument(t, gateway, func(d *serving.Gateway) error {
		if d.ServerCertificate == "" || d.ServerCertificate == first {
			return errors.New("the document still names the former certificate")
		}
		return nil
	}).ServerCertificate
	s.GatewaySecrets(t, gateway, func(d *serving.GatewaySecrets) error {
		if len(d.Certificates) != 1 || d.Certificates[0].ID != second {
			return fmt.Errorf("it holds %d certificates", len(d.Certificates))
		}
		return nil
	})
	if held := s.GatewaySecrets(t, gateway, nil).Certificates[0]; held.CertificatePEM != renewed[v1alpha1.KeyTLSCertificate] || held.KeyPEM.Reveal() != renewed[v1alpha1.KeyTLSKey] {
		t.Error("the document holds another certificate than the Secret")
	}

	// One for another host does not take its place.
	s.Update(t, secret, func() { secret.StringData = testenv.ServerCertificate(t, "other.example") })
	condition := s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	if !strings.Contains(condition.Message, "other.example") || !strings.Contains(condition.Message, "d1.acme.example") {
		t.Errorf("the message does not name both hosts: %s", condition.Message)
	}
	if got := s.GatewayDocument(t, gateway, nil).ServerCertificate; got != second {
		t.Errorf("the document names %q, not the last good certificate", got)
	}
	s.MustNotShow(t, strings.Split(renewed[v1alpha1.KeyTLSKey], "\n")[1])
}

// TestAnExpiredServerCertificateIsWarnedAbout: it is presented as before, and it holds up no change of its gateway.
func TestAnExpiredServerCertificateIsWarnedAbout(t *testing.T) {
	t.Parallel()
	s, gateway, secret := withServerCertificate(t)
	served := s.GatewayDocument(t, gateway, nil).ServerCertificate
	s.WaitCondition(t, gateway, v1alpha1.ConditionCertificatesCurrent, metav1.ConditionFalse, v1alpha1.ReasonCertificateExpiring)
	s.WaitEvent(t, gateway, v1alpha1.ReasonCertificateExpiring)
	s.Clock.Advance(48 * time.Hour)
	s.Touch(t, secret)
	s.WaitFor(t, gateway, func() error {
		condition := meta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionCertificatesCurrent)
		if condition == nil || !strings.Contains(condition.Message, "acme-tls") || !strings.Contains(condition.Message, "has expired") {
			return fmt.Errorf("the condition is %+v", condition)
		}
		return nil
	})
	s.Update(t, gateway, func() { gateway.Spec.Delivery.TimeoutSeconds = 7 })
	s.WaitReady(t, gateway)
	if got := s.GatewayDocument(t, gateway, nil); got.ServerCertificate != served || got.Delivery.TimeoutSeconds != 7 {
		t.Errorf("the document names the certificate %q and a timeout of %d seconds", got.ServerCertificate, got.Delivery.TimeoutSeconds)
	}

	// Another expired one does not take its place.
	s.Clock.Advance(365 * 24 * time.Hour)
	s.Update(t, secret, func() { secret.StringData = testenv.ServerCertificate(t, "d1.acme.example") })
	s.WaitCondition(t, gateway, v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	if got := s.GatewayDocument(t, gateway, nil).ServerCertificate; got != served {
		t.Errorf("the document names %q, not the one that is presented", got)
	}
}

// TestAnotherIssuerIsWarnedAboutUntilItIsAcknowledged: a self-signed certificate with another key is another issuer.
func TestAnotherIssuerIsWarnedAboutUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	s, gateway, secret := withServerCertificate(t)
	first := gateway.Status.ServerCertificateIssuer
	if first == nil || first.ID == "" || first.PreviousName != "" {
		t.Fatalf("the status says of the issuer: %+v", first)
	}
	if all := gateway.Status.Certificates; len(all) != 1 || all[0].SecretName != secret.Name || all[0].Use != v1alpha1.CertificateServer || all[0].ExpiryTime.IsZero() {
		t.Errorf("the status shows the certificates %+v", all)
	}
	s.Update(t, secret, func() { secret.StringData = testenv.ServerCertificate(t, "d1.acme.example") })
	said := func(about string, id func(string) bool, changed bool) {
		t.Helper()
		s.WaitFor(t, gateway, func() error {
			issuer := gateway.Status.ServerCertificateIssuer
			condition := meta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionCertificatesCurrent)
			if issuer == nil || condition == nil || !id(issuer.ID) || (issuer.PreviousName != "") != changed || strings.Contains(condition.Message, issuer.ID) != changed {
				return fmt.Errorf("%s: the status says of the issuer %+v, and the condition is %+v", about, issuer, condition)
			}
			return nil
		})
	}
	said("another issuer", func(id string) bool { return id != first.ID }, true)
	second := gateway.Status.ServerCertificateIssuer.ID
	s.WaitReady(t, gateway)
	s.Update(t, gateway, func() { gateway.Annotations = map[string]string{v1alpha1.AnnotationAcknowledgedIssuer: second} })
	said("acknowledged", func(id string) bool { return id == second }, false)
}

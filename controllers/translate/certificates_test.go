package translate

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// referencesOf answers references to these Secrets.
func referencesOf(secrets map[string]*corev1.Secret, now time.Time) *references {
	gateway := &v1alpha1.MerchantGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "payments"}}
	return newReferences(GatewayInput{Gateway: gateway, Secrets: secrets, Now: now, Generate: NewGenerator()})
}

// expiring answers references that use certificates which expire in so many days.
func expiring(days ...int) *references {
	r := referencesOf(nil, certificateNow)
	for i, d := range days {
		key := certificateUse{fmt.Sprintf("secret-%03d", i), v1alpha1.CertificateDeliveryCA}
		r.used[key] = usedCertificate{key, "spec.delivery.tls.caSecretRef", "CN=ca", certificateNow.AddDate(0, 0, d)}
	}
	return r
}

func statusOf(r *references, g *v1alpha1.MerchantGateway, action Action) (GatewayOutput, *metav1.Condition) {
	out := GatewayOutput{Action: action}
	r.addCertificates(g, &out)
	return out, meta.FindStatusCondition(out.Status.Conditions, v1alpha1.ConditionCertificatesCurrent)
}

func TestTimeAloneChangesWhatIsSaidOfACertificate(t *testing.T) {
	t.Parallel()
	to := certificateNow
	from := to.Add(-30 * 24 * time.Hour)
	for name, tc := range map[string]struct {
		now  time.Time
		says string
		next time.Time
	}{
		"long before":                    {from.AddDate(-1, 0, 0), "", from},
		"30 days and a second before":    {from.Add(-time.Second), "", from},
		"30 days before":                 {from, "expires within 30 days", to.Add(time.Second)},
		"its last second":                {to, "expires within 30 days", to.Add(time.Second)},
		"a second after it":              {to.Add(time.Second), "has expired", time.Time{}},
		"a year after it":                {to.AddDate(1, 0, 0), "has expired", time.Time{}},
		"before anything, clock unknown": {time.Time{}, "", from},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := usedCertificate{certificateUse{"ca", v1alpha1.CertificateClientCA}, "spec.x", "CN=ca", to}
			if got := c.warning(tc.now); (got != "") != (tc.says != "") || !strings.HasSuffix(got, tc.says) {
				t.Errorf("it says %q, want %q", got, tc.says)
			}
			if got := c.nextChange(tc.now); !got.Equal(tc.next) {
				t.Errorf("the next change is %s, want %s", got, tc.next)
			}
		})
	}
}

func TestTheConditionNamesFiveAndCountsTheRest(t *testing.T) {
	t.Parallel()
	g := &v1alpha1.MerchantGateway{}
	g.Generation = 3
	out, condition := statusOf(expiring(9, 1, 100, 2, 3, 4, 5, 6), g, Keep)
	if condition == nil || condition.Status != metav1.ConditionFalse || condition.Reason != v1alpha1.ReasonCertificateExpiring || condition.ObservedGeneration != 3 {
		t.Fatalf("the condition is %+v", condition)
	}
	if strings.Count(condition.Message, "within 30 days") != 5 || !strings.HasSuffix(condition.Message, "; and 2 more") {
		t.Errorf("the message is %q", condition.Message)
	}
	if first, last := strings.Index(condition.Message, `"secret-001"`), strings.Index(condition.Message, `"secret-006"`); first < 0 || last < first {
		t.Errorf("what expires first is not named first: %q", condition.Message)
	}
	if want := certificateNow.AddDate(0, 0, 1).Add(time.Second); !out.NextChange.Equal(want) {
		t.Errorf("the next change is %s, want %s", out.NextChange, want)
	}
}

func TestTheStatusShowsTheCertificatesThatExpireFirst(t *testing.T) {
	t.Parallel()
	days := make([]int, 100)
	for i := range days {
		days[i] = 200 - i
	}
	days[99] = 7
	out, condition := statusOf(expiring(days...), &v1alpha1.MerchantGateway{}, Write)
	all := out.Status.Certificates
	if len(all) != 64 || all[0].SecretName != "secret-099" || all[63].SecretName != "secret-036" {
		t.Errorf("%d are shown: %v", len(all), all)
	}
	if condition == nil || condition.Status != metav1.ConditionFalse {
		t.Errorf("the condition is %+v", condition)
	}
}

func TestThereIsNoConditionWithoutACertificate(t *testing.T) {
	t.Parallel()
	g := &v1alpha1.MerchantGateway{}
	if out, condition := statusOf(expiring(), g, Write); condition != nil || out.Status.Certificates != nil || !out.NextChange.IsZero() {
		t.Errorf("a gateway that uses none: %+v", out)
	}
	g.Spec.TLS = &v1alpha1.ServerTLS{CertificateSecretRef: v1alpha1.SecretReference{Name: "tls"}}
	g.Status.ServerCertificateIssuer = issuer("b1", "B", "A")
	if out, condition := statusOf(expiring(1), g, Withdraw); condition != nil || out.Status.Certificates != nil || out.Status.ServerCertificateIssuer != nil || !out.NextChange.IsZero() {
		t.Errorf("a gateway that is not served: %+v", out)
	}
}

func TestOfAChainOrBundleTheFirstToExpireCounts(t *testing.T) {
	t.Parallel()
	pemOf := func(change func(*x509.Certificate)) string {
		return string(tlsSecret(t, change).Data[v1alpha1.KeyTLSCertificate])
	}
	until := func(at time.Time) string {
		return pemOf(func(c *x509.Certificate) {
			c.Subject.CommonName, c.NotBefore, c.NotAfter = at.Format(time.DateOnly), time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), at
		})
	}
	far, near := time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	damaged := "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
	for name, tc := range map[string]struct {
		pem     string
		subject string
		expires time.Time
	}{
		"one":                        {until(far), "CN=2090-01-01", far},
		"the last of two":            {until(far) + until(near), "CN=2027-01-01", near},
		"the first of two":           {until(near) + until(far), "CN=2027-01-01", near},
		"what cannot be read is not": {damaged + until(far), "CN=2090-01-01", far},
		"no certificate":             {damaged, "", time.Time{}},
		// The status could not hold the year 1, which stands for no time at all.
		"before the epoch": {until(time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)), "CN=1960-01-01", time.Unix(0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := referencesOf(nil, certificateNow)
			r.uses(field.NewPath("spec", "x"), "ca", v1alpha1.CertificateClientCA, tc.pem)
			r.uses(field.NewPath("spec", "y"), "ca", v1alpha1.CertificateClientCA, tc.pem)
			all := r.usedCertificates()
			if tc.subject == "" {
				if len(all) != 0 {
					t.Errorf("it holds %v", all)
				}
				return
			}
			if len(all) != 1 || all[0].subject != tc.subject || !all[0].expires.Equal(tc.expires) || all[0].at != "spec.x" {
				t.Errorf("it holds %v", all)
			}
		})
	}
}

// TestASecretThatMayNotBeUsedShowsNothing: whoever may write a MerchantGateway must not learn what is in a Secret by its name.
func TestASecretThatMayNotBeUsedShowsNothing(t *testing.T) {
	t.Parallel()
	secret := tlsSecret(t, nil)
	secret.Labels = nil
	r := referencesOf(map[string]*corev1.Secret{"tls": secret}, certificateNow)
	r.serverCertificate(&v1alpha1.ServerTLS{CertificateSecretRef: v1alpha1.SecretReference{Name: "tls"}}, []v1alpha1.Hostname{"d1.acme.example"})
	if len(r.problems) != 1 || len(r.used) != 0 || r.issuer != nil {
		t.Errorf("problems %v, used %v, issuer %v", r.problems, r.used, r.issuer)
	}
}

func TestAnExpiredServerCertificateIsNoProblemWhereItIsServedAlready(t *testing.T) {
	t.Parallel()
	secret := tlsSecret(t, nil)
	served, err := parseKeyCertificate(secret.Data)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		served string
		now    time.Time
		good   bool
	}{
		"served and valid":                      {served.ID, certificateNow, true},
		"served and expired":                    {served.ID, certificateNow.Add(2 * time.Hour), true},
		"another is served, this one expired":   {"certificate-other", certificateNow.Add(2 * time.Hour), false},
		"none is served, this one expired":      {"", certificateNow.Add(2 * time.Hour), false},
		"served, and the clock has gone back":   {served.ID, certificateNow.Add(-2 * time.Hour), false},
		"another is served, this one is valid":  {"certificate-other", certificateNow, true},
		"none is served and this one is valid ": {"", certificateNow, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := referencesOf(map[string]*corev1.Secret{"tls": secret}, tc.now)
			r.served = tc.served
			id := r.serverCertificate(&v1alpha1.ServerTLS{CertificateSecretRef: v1alpha1.SecretReference{Name: "tls"}}, []v1alpha1.Hostname{"d1.acme.example"})
			if (id != "") != tc.good || (len(r.problems) == 0) != tc.good || (r.issuer != nil) != tc.good {
				t.Errorf("id %q, problems %v", id, r.problems)
			}
			// Good or not, what the Secret holds is shown.
			if len(r.used) != 1 {
				t.Errorf("%d certificates are in use", len(r.used))
			}
		})
	}
}

package translate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

var certificateNow = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// tlsSecret answers a kubernetes.io/tls Secret with a certificate of the names; change may be nil.
func tlsSecret(t *testing.T, change func(*x509.Certificate)) *corev1.Secret {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "d1.acme.example"}, DNSNames: []string{"d1.acme.example"},
		NotBefore: certificateNow.Add(-time.Hour), NotAfter: certificateNow.Add(time.Hour),
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "tls", Labels: map[string]string{v1alpha1.LabelAllowUse: "true"}},
		Data: map[string][]byte{
			v1alpha1.KeyTLSCertificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			v1alpha1.KeyTLSKey:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		},
	}
}

func TestAServerCertificateMustSuitAHostname(t *testing.T) {
	t.Parallel()
	names := func(all ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = all }
	}
	for name, tc := range map[string]struct {
		change func(*x509.Certificate)
		hosts  []v1alpha1.Hostname
		// says is what the problem names; empty when there is none.
		says []string
	}{
		"its host":                                   {nil, []v1alpha1.Hostname{"d1.acme.example"}, nil},
		"one of its hosts":                           {nil, []v1alpha1.Hostname{"a.example", "d1.acme.example"}, nil},
		"a wildcard":                                 {names("*.acme.example"), []v1alpha1.Hostname{"d1.acme.example"}, nil},
		"a wildcard stands for one label":            {names("*.example"), []v1alpha1.Hostname{"d1.acme.example"}, []string{`"*.example"`, `"d1.acme.example"`}},
		"upper case in the certificate":              {names("D1.ACME.example"), []v1alpha1.Hostname{"d1.acme.example"}, nil},
		"an address":                                 {func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)} }, []v1alpha1.Hostname{"10.0.0.1"}, nil},
		"another address":                            {func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)} }, []v1alpha1.Hostname{"10.0.0.2"}, []string{"10.0.0.1", "10.0.0.2"}},
		"a common name without an alternative name":  {names(), []v1alpha1.Hostname{"d1.acme.example"}, []string{"no name", `"d1.acme.example"`}},
		"many names, of which some are in the words": {names("a.example", "b.example", "c.example", "d.example", "e.example", "f.example", "g.example"), []v1alpha1.Hostname{"d1.acme.example"}, []string{`"e.example", and 2 more`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := referencesOf(map[string]*corev1.Secret{"tls": tlsSecret(t, tc.change)}, certificateNow)
			id := r.serverCertificate(&v1alpha1.ServerTLS{CertificateSecretRef: v1alpha1.SecretReference{Name: "tls"}}, tc.hosts)
			if (id != "") != (tc.says == nil) || len(r.problems) > 0 != (tc.says != nil) || len(r.material.Certificates) > 0 != (id != "") {
				t.Fatalf("id %q, problems %v", id, r.problems)
			}
			for _, part := range tc.says {
				if p := r.problems[0]; p.reason != v1alpha1.ReasonSecretInvalid || !strings.Contains(p.message, part) || !strings.Contains(p.message, "spec.tls.certificateSecretRef") {
					t.Errorf("%s: %s does not name %s", p.reason, p.message, part)
				}
			}
		})
	}
}

func TestTimeAloneChangesWhatAServerCertificateIsWorth(t *testing.T) {
	t.Parallel()
	secret := tlsSecret(t, nil)
	from, to := certificateNow.Add(-time.Hour), certificateNow.Add(time.Hour)
	for name, tc := range map[string]struct {
		now  time.Time
		good bool
		next time.Time
	}{
		"a second before it is valid": {from.Add(-time.Second), false, from},
		"its first second":            {from, true, to.Add(time.Second)},
		"its last second":             {to, true, to.Add(time.Second)},
		"a second after it":           {to.Add(time.Second), false, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := referencesOf(map[string]*corev1.Secret{"tls": secret}, tc.now)
			id := r.serverCertificate(&v1alpha1.ServerTLS{CertificateSecretRef: v1alpha1.SecretReference{Name: "tls"}}, []v1alpha1.Hostname{"d1.acme.example"})
			if (id != "") != tc.good || !r.nextChange.Equal(tc.next) {
				t.Errorf("id %q, next change %s, want %s; problems: %v", id, r.nextChange, tc.next, r.problems)
			}
		})
	}
}

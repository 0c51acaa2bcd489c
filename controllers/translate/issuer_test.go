package translate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// issuer answers a status; previous is the id of the acknowledged issuer, whose name is the letter of the id in upper case.
func issuer(id, name, previous string) *v1alpha1.CertificateIssuerStatus {
	status := &v1alpha1.CertificateIssuerStatus{ID: id, Name: name, PreviousID: previous}
	if previous != "" {
		status.PreviousName = strings.ToUpper(previous[:1])
	}
	return status
}

func TestWhatTheStatusSaysOfTheIssuer(t *testing.T) {
	t.Parallel()
	type status = v1alpha1.CertificateIssuerStatus
	for name, tc := range map[string]struct {
		before, seen *status
		acknowledged string
		want         *status
	}{
		"none is known":              {nil, nil, "", nil},
		"the first one":              {nil, issuer("a1", "A", ""), "", issuer("a1", "A", "")},
		"the same one":               {issuer("a1", "A", ""), issuer("a1", "A", ""), "", issuer("a1", "A", "")},
		"another one":                {issuer("a1", "A", ""), issuer("b1", "B", ""), "", issuer("b1", "B", "a1")},
		"it stays":                   {issuer("b1", "B", "a1"), issuer("b1", "B", ""), "", issuer("b1", "B", "a1")},
		"it is acknowledged":         {issuer("b1", "B", "a1"), issuer("b1", "B", ""), "b1", issuer("b1", "B", "")},
		"acknowledged ahead of time": {issuer("a1", "A", ""), issuer("b1", "B", ""), "b1", issuer("b1", "B", "")},
		"a third one: the last acknowledged is named":             {issuer("b1", "B", "a1"), issuer("c1", "C", ""), "", issuer("c1", "C", "a1")},
		"a third one, another acknowledged":                       {issuer("b1", "B", "a1"), issuer("c1", "C", ""), "b1", issuer("c1", "C", "a1")},
		"the first one is back":                                   {issuer("b1", "B", "a1"), issuer("a1", "A", ""), "", issuer("a1", "A", "")},
		"another key, and the first one is back":                  {issuer("a2", "A", "a1"), issuer("a1", "A", ""), "", issuer("a1", "A", "")},
		"another one, then the first name with another key":       {issuer("b1", "B", "a1"), issuer("a2", "A", ""), "", issuer("a2", "A", "a1")},
		"the acknowledged one is back":                            {issuer("b1", "B", "a1"), issuer("a1", "A", ""), "a1", issuer("a1", "A", "")},
		"the name of the acknowledged one is back with a new key": {issuer("b1", "B", "a1"), issuer("a2", "A", ""), "a1", issuer("a2", "A", "a1")},
		"another key":             {issuer("a1", "A", ""), issuer("a2", "A", ""), "", issuer("a2", "A", "a1")},
		"yet another key":         {issuer("a2", "A", "a1"), issuer("a3", "A", ""), "", issuer("a3", "A", "a1")},
		"no certificate resolves": {issuer("b1", "B", "a1"), nil, "", issuer("b1", "B", "a1")},
		"no certificate resolves, and it is acknowledged": {issuer("b1", "B", "a1"), nil, "b1", issuer("b1", "B", "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &v1alpha1.MerchantGateway{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationAcknowledgedIssuer: tc.acknowledged}}}
			g.Spec.TLS = &v1alpha1.ServerTLS{CertificateSecretRef: v1alpha1.SecretReference{Name: "tls"}}
			g.Status.ServerCertificateIssuer = tc.before
			got := issuerStatus(g, tc.seen)
			if (got == nil) != (tc.want == nil) || got != nil && *got != *tc.want {
				t.Fatalf("it says %+v, want %+v", got, tc.want)
			}
			warning := issuerWarning(g, got)
			if (warning != "") != (got != nil && got.PreviousName != "") {
				t.Errorf("the warning is %q", warning)
			}
			if warning != "" && !strings.HasSuffix(warning, v1alpha1.AnnotationAcknowledgedIssuer+"="+got.ID) {
				t.Errorf("%q does not end with what to write into the annotation", warning)
			}
			g.Spec.TLS = nil
			if got := issuerStatus(g, nil); got != nil {
				t.Errorf("without a server certificate it says %+v", got)
			}
		})
	}
}

// signedBy answers a certificate that the key of a parent has signed.
func signedBy(t *testing.T, parent *x509.Certificate, by *ecdsa.PrivateKey, key *ecdsa.PublicKey) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leaf"}, NotBefore: certificateNow, NotAfter: certificateNow}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, by)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// TestTheIssuersIDFollowsFromItsNameAndKey: a renewed certificate has the id of the one before, with whatever key of its own.
func TestTheIssuersIDFollowsFromItsNameAndKey(t *testing.T) {
	t.Parallel()
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = key
	}
	ca := func(name, keyID string) *x509.Certificate {
		c := &x509.Certificate{Subject: pkix.Name{CommonName: name}, SubjectKeyId: []byte(keyID)}
		c.RawSubjectPublicKeyInfo = []byte("the key of " + name)
		return c
	}
	chain := func(parent *x509.Certificate, key int, rest ...*x509.Certificate) []*x509.Certificate {
		by := keys[key]
		if parent != nil {
			by = keys[0]
		}
		return append([]*x509.Certificate{signedBy(t, parent, by, &keys[key].PublicKey)}, rest...)
	}
	for name, tc := range map[string]struct {
		before, after []*x509.Certificate
		same          bool
	}{
		"renewed":                  {chain(ca("A", "1"), 0), chain(ca("A", "1"), 0), true},
		"renewed with another key": {chain(ca("A", "1"), 0), chain(ca("A", "1"), 1), true},
		"renewed, and its issuer was added to the chain": {chain(ca("A", "1"), 0), chain(ca("A", "1"), 0, ca("A", "1")), true},
		"another issuer":                          {chain(ca("A", "1"), 0), chain(ca("B", "1"), 0), false},
		"the issuer has another key":              {chain(ca("A", "1"), 0), chain(ca("A", "2"), 0), false},
		"no identifier of the key, but the chain": {chain(ca("A", ""), 0, ca("A", "")), chain(ca("A", ""), 0, ca("other key", "")), false},
		"no identifier of the key, and no chain":  {chain(ca("A", ""), 1), chain(ca("A", ""), 1), true},
		"signed by itself, renewed":               {chain(nil, 0), chain(nil, 0), true},
		"signed by itself, with another key":      {chain(nil, 0), chain(nil, 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := issuerOf(tc.before), issuerOf(tc.after)
			if (before.ID == after.ID) != tc.same {
				t.Errorf("the ids are %s and %s", before.ID, after.ID)
			}
			if len(before.ID) > 12 {
				t.Errorf("the id %s is long enough to pass for a card number", before.ID)
			}
		})
	}
}

func TestAnIssuerWithoutANameIsShownAllTheSame(t *testing.T) {
	t.Parallel()
	if got := issuerOf([]*x509.Certificate{{}}); got.Name == "" || got.ID == "" {
		t.Errorf("the status would be refused: %+v", got)
	}
}

func TestANameFromOutsideIsBoundedAndMasked(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for name, tc := range map[string]struct{ in, holds, lacks string }{
		"a card number":                         {card, "************1111", card},
		"one that is cut in the middle":         {strings.Repeat("x", 512-len("CN=")-14) + card, "************11", "41111111111111"},
		"a longer run that is cut to a card's":  {strings.Repeat("x", 512-len("CN=")-len(card)) + card + "00000", "************1111", card},
		"many characters of more than one byte": {strings.Repeat("é", 1000), "CN=é", "\uFFFD"},
		"bytes that are no character":           {"a\xffb", "CN=a\uFFFDb", "\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := shownName(pkix.Name{CommonName: tc.in})
			if !strings.Contains(got, tc.holds) || strings.Contains(got, tc.lacks) || utf8.RuneCountInString(got) > 512 || !utf8.ValidString(got) {
				t.Errorf("%d characters: %q", utf8.RuneCountInString(got), got)
			}
		})
	}
}

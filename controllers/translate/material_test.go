package translate

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

func readPEM(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/pem/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestIDsFollowContent(t *testing.T) {
	one, err := parseCABundle(map[string][]byte{v1alpha1.KeyCABundle: readPEM(t, "ca1.crt")})
	if err != nil {
		t.Fatal(err)
	}
	commented, err := parseCABundle(map[string][]byte{v1alpha1.KeyCABundle: append([]byte("a comment\n"), readPEM(t, "ca1.crt")...)})
	if err != nil {
		t.Fatal(err)
	}
	two, err := parseCABundle(map[string][]byte{v1alpha1.KeyCABundle: readPEM(t, "ca2.crt")})
	if err != nil {
		t.Fatal(err)
	}
	if one != commented {
		t.Error("a comment makes another bundle")
	}
	if one.ID == two.ID {
		t.Error("two bundles have one id")
	}
	if materialID("x", "ab", "c") == materialID("x", "a", "bc") {
		t.Error("parts run into one another")
	}
}

// FuzzCABundle: whatever a Secret holds, what is taken over is what the server can read.
func FuzzCABundle(f *testing.F) {
	f.Add(readPEM(f, "ca1.crt"))
	f.Add(append(readPEM(f, "ca1.crt"), readPEM(f, "damaged.crt")...))
	f.Add(readPEM(f, "client1.key"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		bundle, err := parseCABundle(map[string][]byte{v1alpha1.KeyCABundle: raw})
		if err != nil {
			return
		}
		if !x509.NewCertPool().AppendCertsFromPEM([]byte(bundle.PEM)) {
			t.Error("a bundle without a certificate was taken over")
		}
		again, err := parseCABundle(map[string][]byte{v1alpha1.KeyCABundle: []byte(bundle.PEM)})
		if err != nil || again != bundle {
			t.Errorf("what was taken over reads as another bundle: %v", err)
		}
	})
}

func FuzzKeyCertificate(f *testing.F) {
	f.Add(readPEM(f, "client1.crt"), readPEM(f, "client1.key"))
	f.Add(readPEM(f, "client1.crt"), readPEM(f, "client2.key"))
	f.Fuzz(func(t *testing.T, certificate, key []byte) {
		c, err := parseKeyCertificate(map[string][]byte{v1alpha1.KeyTLSCertificate: certificate, v1alpha1.KeyTLSKey: key})
		if err != nil {
			return
		}
		if _, err := tls.X509KeyPair([]byte(c.CertificatePEM), []byte(c.KeyPEM.Reveal())); err != nil {
			t.Error(err)
		}
	})
}

package translate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"os"
	"strings"
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

func FuzzSigningSecret(f *testing.F) {
	f.Add([]byte("whsec_bWFkZS11cCBzaWduaW5nIHNlY3JldCBudW1iZXIgMQ=="))
	f.Add([]byte("whsec_c2hvcnQ="))
	f.Add([]byte("whsec_bWFkZS11cCBzaWduaW5nIHNlY3JldCBudW1iZXIgMQ==\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		secret, err := parseSigningSecret(map[string][]byte{v1alpha1.KeySigningSecret: raw}, v1alpha1.KeySigningSecret)
		if err != nil {
			if len(raw) > 30 && strings.Contains(err.Error(), string(raw)) {
				t.Error("the error repeats the secret")
			}
			return
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 || secret.Reveal() != string(raw) {
			t.Errorf("a secret of %d bytes was taken over: %v", len(key), err)
		}
	})
}

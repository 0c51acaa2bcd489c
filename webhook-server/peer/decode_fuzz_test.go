package peer_test

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

// The certificates that seeds are made of are small and always the same, so that what one run finds means the same to the next.
const (
	seedCA    = "MIIBCjCBvaADAgECAgEBMAUGAytlcDANMQswCQYDVQQDEwJDQTAeFw0yNjAxMDEwMDAwMDBaFw0zNjAxMDEwMDAwMDBaMA0xCzAJBgNVBAMTAkNBMCowBQYDK2VwAyEANdcXMaiCI6AyKUKUuwwgygi+QfEW2LvdXlyUqUBSth+jQjBAMA4GA1UdDwEB/wQEAwICBDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBTHnCF1VfxHoRz3U7QNhDP7Yh8YeTAFBgMrZXADQQAJfOhT+3KPmCcmdYg3f34Nj3hdTsBP1hjmZQNDsKcHPTsoNOsGwwW+TYC5nasA957tgaUsmwzXtC7D/2YEZqUN"
	seedLeaf  = "MIHrMIGeoAMCAQICAQIwBQYDK2VwMA0xCzAJBgNVBAMTAkNBMB4XDTI2MDEwMTAwMDAwMFoXDTM2MDEwMTAwMDAwMFowDTELMAkGA1UEAxMCZDEwKjAFBgMrZXADIQBX9dvXMW/7ivN6QqyEbp7NvVfVh2rUj+hdW96cfI51gKMjMCEwHwYDVR0jBBgwFoAUx5whdVX8R6Ec91O0DYQz+2IfGHkwBQYDK2VwA0EA24Keiud3+mB3wcWESgKWEKrP4g9Mw1lZ862SQgiIG6YfcN9fm1JdxnR8PJPOktSGjoYfAFso1KX0vjlS6YPHBA=="
	seedOther = "MIHrMIGeoAMCAQICAQMwBQYDK2VwMA0xCzAJBgNVBAMTAkNBMB4XDTI2MDEwMTAwMDAwMFoXDTM2MDEwMTAwMDAwMFowDTELMAkGA1UEAxMCZDEwKjAFBgMrZXADIQAK6HWkC+R4vz+ucdhWFiU7DyBym+FHin4KMZmiGHiAeKMjMCEwHwYDVR0jBBgwFoAUx5whdVX8R6Ec91O0DYQz+2IfGHkwBQYDK2VwA0EA/HRBJMUJ3OZgFI59VmJfZUtskD6gU5URqhX+V5UEDagiDh7uqh26nIsYzibTv8dgVCI0IOKBa9OtwzT3cLHcDA=="
)

func seeds(f *testing.F) chains {
	f.Helper()
	read := func(encoded string) *x509.Certificate {
		der, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			f.Fatal(err)
		}
		return parse(f, der)
	}
	c := chains{ca: read(seedCA), leaf: read(seedLeaf), other: read(seedOther)}
	c.behindCA = []*x509.Certificate{c.leaf, c.ca}
	c.corrupt, c.trailing = c.leaf.Raw[:len(c.leaf.Raw)-1], append(append([]byte{}, c.leaf.Raw...), 0)
	return c
}

// checkDecoded is what holds for every value: a chain of certificates behind which only CAs stand, or an error of this package.
func checkDecoded(t *testing.T, chain []*x509.Certificate, err error) {
	t.Helper()
	if err != nil {
		if len(chain) > 0 || !errors.Is(err, peer.ErrUnreadable) && !errors.Is(err, peer.ErrNoCertificate) {
			t.Fatalf("%d certificates, error %v", len(chain), err)
		}
		return
	}
	if len(chain) == 0 || len(chain) > peer.MaxCertificates {
		t.Fatalf("%d certificates", len(chain))
	}
	for _, c := range chain[1:] {
		if !c.IsCA {
			t.Fatal("a client's certificate stands behind the first")
		}
	}
}

// checkAgain encodes the chain anew, which must mean the same.
func checkAgain(t *testing.T, chain, again []*x509.Certificate, err error) {
	t.Helper()
	if err != nil || !equalChains(chain, again) {
		t.Fatalf("encoded anew it is a chain of %d, error %v; want %d", len(again), err, len(chain))
	}
}

func FuzzDecodeClientCert(f *testing.F) {
	c := seeds(f)
	f.Add(byteSequence(c.leaf), "")
	f.Add(byteSequence(c.leaf), sequences(c.ca))
	f.Add(wrap(c.corrupt), wrap(c.trailing))
	f.Add("", ":AAAA:, :AA==:")
	f.Add(":", "::;a=1")
	f.Fuzz(func(t *testing.T, value, list string) {
		chain, err := peer.DecodeClientCert(value, list)
		checkDecoded(t, chain, err)
		if err == nil {
			again, err := peer.DecodeClientCert(byteSequence(chain[0]), sequences(chain[1:]...))
			checkAgain(t, chain, again, err)
		}
	})
}

func FuzzDecodeXFCC(f *testing.F) {
	c := seeds(f)
	f.Add(`Hash=1;Cert="` + escaped(c.leaf) + `";Subject="CN=a\"b";URI=`)
	f.Add(`By=a,Cert="` + escaped(c.leaf) + `";Chain="` + escaped(c.behindCA...) + `"`)
	f.Add(`Cert="` + escaped(c.leaf) + `";X=",Cert="` + escaped(c.other) + `"`)
	f.Add(`Chain=` + escaped(c.leaf))
	f.Add(`a="\"\\",b=;c`)
	appended := `By=spiffe://a/b;Hash=00;Cert="` + escaped(c.leaf) + `";Subject="CN=d1-out";URI=`
	f.Fuzz(func(t *testing.T, value string) {
		chain, err := peer.DecodeXFCC(value)
		checkDecoded(t, chain, err)
		if err == nil {
			again, err := peer.DecodeXFCC(`Chain="` + escaped(chain...) + `"`)
			checkAgain(t, chain, again, err)
		}
		// Whatever a client sends, the element that a proxy appends to it decides, or nothing does.
		chain, err = peer.DecodeXFCC(value + "," + appended)
		checkDecoded(t, chain, err)
		if err == nil && !chain[0].Equal(c.leaf) {
			t.Fatal("the client's element is believed")
		}
	})
}

func FuzzDecodePlain(f *testing.F) {
	c := seeds(f)
	f.Add(escaped(c.leaf))
	f.Add(awsEscaped(c.behindCA...))
	f.Add(strings.ReplaceAll(pemOf(c.behindCA...), "\n", " "))
	f.Add(plainBase64(c.behindCA...))
	f.Add("%2d-----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----")
	f.Add("(null)")
	f.Fuzz(func(t *testing.T, value string) {
		chain, err := peer.DecodePlain(value)
		checkDecoded(t, chain, err)
		if err != nil {
			return
		}
		for _, encode := range []func(...*x509.Certificate) string{escaped, awsEscaped, plainBase64, pemOf} {
			again, err := peer.DecodePlain(encode(chain...))
			checkAgain(t, chain, again, err)
		}
	})
}

package peer_test

import (
	"net/http"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func BenchmarkSource(b *testing.B) {
	for name, bc := range map[string]struct {
		v *peer.Resolver
		r *http.Request
	}{
		"WithoutProxies": {direct(), request(b, stranger)},
		"BehindProxy":    {behindProxies(""), request(b, proxy, "X-Forwarded-For", "203.0.113.9, 10.1.1.1")},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bc.v.Source(bc.r)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	thales := newAuthority(b, "Thales CA")
	g := gateway(api.CertificateRules{Subjects: []string{"CN=d1-out,O=Thales"}}, thales)
	leaf := thales.leaf()
	unremembered := request(b, stranger)
	unremembered.TLS = over(unremembered, leaf).TLS
	for name, bc := range map[string]struct {
		v *peer.Resolver
		r *http.Request
		g *serving.Gateway
	}{
		"None":             {direct(), request(b, stranger), &serving.Gateway{Gateway: &api.Gateway{}}},
		"TLSRemembered":    {direct(), over(request(b, stranger), leaf), g},
		"TLSUnremembered":  {direct(), unremembered, g},
		"HeaderRemembered": {behindProxies("Client-Cert"), request(b, proxy, "Client-Cert", byteSequence(leaf)), g},
		"PEMRemembered":    {behindProxies("X-C"), request(b, proxy, "X-C", escaped(leaf)), g},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bc.v.Verify(bc.r, bc.g); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRefusal(b *testing.B) {
	thales, other := newAuthority(b, "Thales CA"), newAuthority(b, "Thales CA")
	g := gateway(api.CertificateRules{}, thales)
	for name, bc := range map[string]struct {
		v *peer.Resolver
		r *http.Request
	}{
		"TLS":    {direct(), over(request(b, stranger), other.leaf(), other.certificate)},
		"Header": {behindProxies("Client-Cert"), request(b, proxy, "Client-Cert", byteSequence(other.leaf()))},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if bc.v.Verify(bc.r, g) == nil {
					b.Fatal("it is accepted")
				}
			}
		})
	}
}

func BenchmarkThumbprint(b *testing.B) {
	v, r := direct(), over(request(b, stranger), newAuthority(b, "Thales CA").leaf())
	b.ReportAllocs()
	for b.Loop() {
		v.Thumbprint(r)
	}
}

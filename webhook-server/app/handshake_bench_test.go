package app

import (
	"crypto/elliptic"
	"crypto/tls"
	"fmt"
	"net"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// BenchmarkHandshake measures both ends of a handshake.
func BenchmarkHandshake(b *testing.B) {
	ca := newRoot(b, "Thales CA", elliptic.P256())
	server := newRoot(b, "server", elliptic.P256())
	chains := presenting(b, ca)
	for _, on := range []struct {
		name       string
		gateways   int
		ownBundles bool
	}{{"OneGateway", 1, false}, {"1000GatewaysOneBundle", 1000, false}, {"10Bundles", 10, true}, {"1000Bundles", 1000, true}} {
		snapshot := served(b, ca, on.gateways, on.ownBundles)
		config := handshakes{
			serverCertificate: func() (*tls.Certificate, error) { return &server.Certificate, nil },
			snapshot:          func() *serving.Snapshot { return snapshot },
			proxied:           func(net.Addr) bool { return false },
			now:               fixture.Now,
		}.config()
		for _, name := range []string{"Accepted", "HundredRSA8192", "SevenRSA8192", "SevenP521"} {
			b.Run(on.name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					err := shake(b, config, chains[name])
					if (err == nil) != (name == "Accepted") && on.name != "1000Bundles" {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkChoice measures what a handshake decides by itself, without cryptography.
func BenchmarkChoice(b *testing.B) {
	ca := newRoot(b, "Thales CA", elliptic.P256())
	near, far := net.Pipe()
	defer func() { _ = near.Close(); _ = far.Close() }()
	for _, gateways := range []int{1, 1000} {
		snapshot := served(b, ca, gateways, false)
		config := handshakes{
			snapshot: func() *serving.Snapshot { return snapshot }, proxied: func(net.Addr) bool { return false }, now: fixture.Now,
		}.config()
		for name, host := range map[string]string{"Named": handshakeHost, "Unknown": "unknown.example"} {
			b.Run(fmt.Sprintf("%s/%dGateways", name, gateways), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := config.GetConfigForClient(&tls.ClientHelloInfo{ServerName: host, Conn: far}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

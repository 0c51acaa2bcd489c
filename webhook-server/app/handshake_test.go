package app

import (
	"crypto/elliptic"
	"crypto/tls"
	"net"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestWhatAHandshakeRefuses(t *testing.T) {
	ca, server := newRoot(t, "Thales CA", elliptic.P256()), newRoot(t, "server", elliptic.P256())
	chains := presenting(t, ca)
	for name, tc := range map[string]struct {
		gateways int // each with CAs of its own
		accepted []string
	}{
		"strangers":                                   {1, []string{"Accepted"}},
		"strangers where there are several CAs":       {2, []string{"Accepted"}},
		"only what is large where there are too many": {20, []string{"Accepted", "SevenP521"}},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := served(t, ca, tc.gateways, true)
			config := handshakes{
				serverCertificate: func() (*tls.Certificate, error) { return &server.Certificate, nil },
				snapshot:          func() *serving.Snapshot { return snapshot },
				proxied:           func(net.Addr) bool { return false },
				now:               fixture.Now,
			}.config()
			accepted := map[string]bool{}
			for _, chain := range tc.accepted {
				accepted[chain] = true
			}
			for chain, certificate := range chains {
				if err := shake(t, config, certificate); (err == nil) != accepted[chain] {
					t.Errorf("%s: error is %v", chain, err)
				}
			}
			if err := shake(t, config, tls.Certificate{}); err == nil {
				t.Error("without a certificate the handshake passes")
			}
		})
	}
}

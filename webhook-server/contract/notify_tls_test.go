package contract_test

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func testTLSVersions(t *testing.T, s *site) {
	w := s.worlds[1]
	for name, config := range map[string]*tls.Config{
		"TLS 1.0":             {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
		"TLS 1.1":             {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"TLS 1.2 CBC":         {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}},
		"TLS 1.2 RSA":         {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384}},
		"no protocol of ours": {NextProtos: []string{"spdy/3"}},
	} {
		t.Run(name+" fails", func(t *testing.T) {
			config.RootCAs = w.CA.Pool()
			c, err := tls.Dial("tcp", w.Server.Addr().String(), config)
			if err == nil {
				_ = c.Close()
				t.Error("the handshake passes")
			}
		})
	}
	t.Run("plain HTTP to the TLS port is no answer of ours", func(t *testing.T) {
		// net/http explains itself to such a client in plain text, before any request is read.
		c := &http.Client{Timeout: 10 * time.Second}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.Replace(w.URL(), "https", "http", 1)+fixture.TokenPath, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.Do(request)
		if err != nil {
			return
		}
		_ = response.Body.Close()
		if response.StatusCode < 400 {
			t.Errorf("status %d", response.StatusCode)
		}
	})
	for _, transport := range w.Transports() {
		t.Run(transport.Name+" works", func(t *testing.T) {
			v := enter(t, w, transport)
			v.expect(wantOK, cases{"T0": running.T0()})
			v.expect(wantA, cases{"N0": v.n0()})
		})
	}
}

func testNewCertificates(t *testing.T, _ *site) {
	ca := running.NewAuthority(t, "Thales client CA")
	w := running.StartTLS(t, mutual(ca, false))
	first := w.Over(running.TLS13HTTP2, ca.Leaf(d1, time.Now().Add(time.Hour))).For(t)
	token := w.Token(first)
	t.Run("new client leaf, same CA", func(t *testing.T) {
		for _, transport := range w.Transports() {
			wantA.check(t, w.Over(transport, ca.Leaf(d1, time.Now().Add(2*time.Hour))).For(t).Do(running.N0(token)))
		}
		wantA.check(t, first.For(t).Do(running.N0(token)))
	})
	t.Run("new client CA beside the former", func(t *testing.T) {
		next := running.NewAuthority(t, "Thales client CA 2")
		w.Documents.Secrets.CABundles[0].PEM = ca.PEM() + next.PEM()
		w.Publish()
		wantA.check(t, w.Over(running.TLS12, next.Leaf(d1, time.Now().Add(time.Hour))).For(t).Do(running.N0(token)))
		wantA.check(t, w.Over(running.TLS13, ca.Leaf(d1, time.Now().Add(time.Hour))).For(t).Do(running.N0(token)))
		wantA.check(t, first.For(t).Do(running.N0(token)))
	})
	t.Run("new server certificate in the Secret", testServerCertificateInSecret)
	t.Run("new server certificate in the files", func(t *testing.T) {
		next := w.CA.Leaf(pkix.Name{CommonName: "next"}, time.Now().Add(2*time.Hour))
		w.CA.WriteFiles(next, w.Options.TLSCertFile, w.Options.TLSPrivateKeyFile)
		c := w.Over(running.TLS13, ca.Leaf(d1, time.Now().Add(time.Hour))).For(t)
		w.Eventually("the new certificate is not presented", func() bool {
			connection := c.Dial().(*tls.Conn)
			defer func() { _ = connection.Close() }()
			return connection.ConnectionState().PeerCertificates[0].Subject.CommonName == "next"
		})
		wantA.check(t, c.Do(running.N0(token)))
		wantA.check(t, first.For(t).Do(running.N0(token))) // its connection has not been dropped
	})
}

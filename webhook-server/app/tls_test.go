package app_test

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

var later = time.Now().Add(time.Hour)

// startTLS runs a server with a certificate for localhost of a CA that it answers too.
func startTLS(t *testing.T, change func(w *world)) (*world, *authority) {
	t.Helper()
	ca := newAuthority(t, "server CA")
	w := start(t, func(w *world) {
		files := t.TempDir()
		w.options.InsecureHTTP = false
		w.options.TLSCertFile, w.options.TLSPrivateKeyFile = filepath.Join(files, "tls.crt"), filepath.Join(files, "tls.key")
		ca.writeFiles(ca.leaf(pkix.Name{CommonName: "server"}, later), w.options.TLSCertFile, w.options.TLSPrivateKeyFile)
		if change != nil {
			change(w)
		}
	})
	return w, ca
}

func (w *world) tlsURL() string { return "https://" + w.server.Addr().String() }

// client speaks TLS as config says, HTTP/2 where wanted.
func client(t *testing.T, config *tls.Config, http2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func TestTheBaseRequestsHoldOverEachTransport(t *testing.T) {
	w, ca := startTLS(t, nil)
	for name, tc := range map[string]struct {
		version uint16
		http2   bool
		proto   string
	}{
		"TLS 1.2":             {tls.VersionTLS12, false, "HTTP/1.1"},
		"TLS 1.3":             {tls.VersionTLS13, false, "HTTP/1.1"},
		"HTTP/2 over TLS 1.2": {tls.VersionTLS12, true, "HTTP/2.0"},
		"HTTP/2 over TLS 1.3": {tls.VersionTLS13, true, "HTTP/2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, &tls.Config{RootCAs: ca.pool(), MinVersion: tc.version, MaxVersion: tc.version}, tc.http2)
			a := t0(t, c, w.tlsURL())
			token := accessToken(t, a)
			if a.proto != tc.proto {
				t.Errorf("spoken is %s", a.proto)
			}
			for range 2 {
				if a := n0(t, c, w.tlsURL(), token); a.status != http.StatusNoContent || a.body != "" || a.header.Get("Content-Type") != "" {
					t.Errorf("answer %+v", a)
				}
				if d := w.delivered(); d.Outcome != merchant.Accepted {
					t.Errorf("delivery %+v", d)
				}
			}
		})
	}
}

func TestTLS11AndSuitesWithoutAEADAreRefused(t *testing.T) {
	w, ca := startTLS(t, nil)
	for name, config := range map[string]*tls.Config{
		"TLS 1.1": {RootCAs: ca.pool(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC":     {RootCAs: ca.pool(), MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
	} {
		c, err := tls.Dial("tcp", w.server.Addr().String(), config)
		if err == nil {
			_ = c.Close()
			t.Errorf("%s is spoken", name)
		}
	}
}

// mutual makes the gateway require a client certificate of the CA with the subject CN=d1-out.
func mutual(ca *authority, oauthDisabled bool) func(w *world) {
	return func(w *world) {
		w.Secrets.CABundles = []api.CABundle{{ID: "thales", PEM: ca.pem()}}
		w.Gateway.ClientCertificate = &api.ClientCertificate{CABundle: "thales", Subjects: []string{"CN=d1-out,O=Thales"}}
		w.Gateway.OAuthDisabled = oauthDisabled
	}
}

func TestARequiredClientCertificate(t *testing.T) {
	thales, other := newAuthority(t, "Thales client CA"), newAuthority(t, "another CA")
	d1 := pkix.Name{CommonName: "d1-out", Organization: []string{"Thales"}}
	w, ca := startTLS(t, mutual(thales, true))
	for name, tc := range map[string]struct {
		certificate *tls.Certificate
		handshake   bool
		status      int
	}{
		"of the CA and a listed subject is accepted": {ptr(thales.leaf(d1, later)), true, http.StatusNoContent},
		"a new leaf of the same CA is accepted":      {ptr(thales.leaf(d1, later.Add(time.Minute))), true, http.StatusNoContent},
		"of a subject that is not listed is a 401":   {ptr(thales.leaf(pkix.Name{CommonName: "d1-out"}, later)), true, http.StatusUnauthorized},
		"none fails the handshake":                   {nil, false, 0},
		"of another CA fails the handshake":          {ptr(other.leaf(d1, later)), false, 0},
		"that has expired fails the handshake":       {ptr(thales.leaf(d1, time.Now().Add(-time.Hour))), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{RootCAs: ca.pool()}
			if tc.certificate != nil {
				config.Certificates = []tls.Certificate{*tc.certificate}
			}
			c := client(t, config, true)
			if !tc.handshake {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.tlsURL()+fixture.NotifyPath, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				response, err := c.Do(request)
				if err == nil {
					_ = response.Body.Close()
					t.Fatalf("it was answered %d", response.StatusCode)
				}
				return
			}
			if a := n0(t, c, w.tlsURL(), ""); a.status != tc.status {
				t.Errorf("answer %+v", a)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestAGatewayWithClientCertificatesIsNotReachedInPlainHTTP(t *testing.T) {
	w := start(t, mutual(newAuthority(t, "Thales client CA"), true))
	if a := n0(t, http.DefaultClient, w.url(), ""); a.status != http.StatusUnauthorized {
		t.Errorf("answer %+v", a)
	}
}

func TestWhereAGatewayWithoutClientCertificatesSharesTheHostTheOtherStillRequiresThem(t *testing.T) {
	thales := newAuthority(t, "Thales client CA")
	w, ca := startTLS(t, mutual(thales, true))
	open := w.Another("globex", "MGW_000002", "other-client")
	w.World, open = open, w.World // the other world's documents into the same directory
	w.write()
	w.World = open
	c := client(t, &tls.Config{RootCAs: ca.pool()}, true)
	eventually(t, "the gateway without client certificates is not served", func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.tlsURL()+"/oauth2/token", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.Do(request)
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusUnauthorized
	})
	if a := n0(t, c, w.tlsURL(), ""); a.status != http.StatusUnauthorized {
		t.Errorf("answer %+v", a)
	}
}

func TestANewServerCertificateWorksWithoutARestartAndAHalfWrittenOneChangesNothing(t *testing.T) {
	w, ca := startTLS(t, nil)
	served := func() string {
		c, err := tls.Dial("tcp", w.server.Addr().String(), &tls.Config{RootCAs: ca.pool(), ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := served(); got != "server" {
		t.Fatalf("served is %q", got)
	}
	next := ca.leaf(pkix.Name{CommonName: "next"}, later)
	ca.writeFiles(next, w.options.TLSCertFile, filepath.Join(t.TempDir(), "elsewhere"))
	eventually(t, "the mismatch is not logged", func() bool { return served() == "server" && strings.Contains(w.log.String(), "cannot be used") })
	ca.writeFiles(next, w.options.TLSCertFile, w.options.TLSPrivateKeyFile)
	eventually(t, "the new certificate is not served", func() bool { return served() == "next" })
}

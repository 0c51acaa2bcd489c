package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/internal/fakegateway"
)

// result is what a user of the command sees.
type result struct {
	code           int
	stdout, stderr string
}

func command(t *testing.T, environment map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	getenv := func(name string) string { return environment[name] }
	code := run(t.Context(), args, getenv, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func start(t *testing.T, gateway http.Handler) string {
	t.Helper()
	server := httptest.NewServer(gateway)
	t.Cleanup(server.Close)
	return server.URL
}

func ids(baseURL string, more ...string) []string {
	return append([]string{"--base-url", baseURL, "--gateway-id", "MGW_000001", "--merchant-ids", "40010000001,40010000002"}, more...)
}

func TestACleanRunExitsWithZero(t *testing.T) {
	baseURL := start(t, &fakegateway.Gateway{})
	secret := write(t, "secret", []byte(fakegateway.ClientSecret+"\n"))
	got := command(t, nil, ids(baseURL, "--client-id", fakegateway.ClientID, "--client-secret-file", secret, "--count", "3", "--verbose")...)
	if got.code != exitClean || got.stderr != "" {
		t.Errorf("exit code %d, stderr %q", got.code, got.stderr)
	}
	if lines := strings.Count(got.stdout, "POST /"); lines != 4 {
		t.Errorf("%d lines for calls, want 4:\n%s", lines, got.stdout)
	}
	if strings.Contains(got.stdout, "planted") {
		t.Errorf("the output holds a credential:\n%s", got.stdout)
	}
}

func TestTheSecretMayComeFromTheEnvironment(t *testing.T) {
	baseURL := start(t, &fakegateway.Gateway{})
	got := command(t, map[string]string{secretVariable: fakegateway.ClientSecret}, ids(baseURL, "--client-id", fakegateway.ClientID)...)
	if got.code != exitClean || strings.Contains(got.stdout, "POST") {
		t.Errorf("exit code %d, output\n%s%s", got.code, got.stdout, got.stderr)
	}
}

func TestFindingsExitWithOne(t *testing.T) {
	t.Run("a violation", func(t *testing.T) {
		baseURL := start(t, &fakegateway.Gateway{NoOAuth: true, Notify: func(w http.ResponseWriter, r *http.Request, _ int, answer http.HandlerFunc) {
			w.Header().Set("X-Powered-By", "fake")
			answer(w, r)
		}})
		got := command(t, nil, ids(baseURL, "--verbose")...)
		if got.code != exitFindings || strings.Count(got.stdout, "X-Powered-By") != 2 {
			t.Errorf("exit code %d, want 1 and the header named in the line and in the summary:\n%s", got.code, got.stdout)
		}
	})
	t.Run("another final status", func(t *testing.T) {
		baseURL := start(t, &fakegateway.Gateway{NoOAuth: true})
		if got := command(t, nil, ids(baseURL, "--expect", "404")...); got.code != exitFindings {
			t.Errorf("exit code %d, want 1:\n%s", got.code, got.stdout)
		}
	})
	t.Run("nobody at home", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		got := command(t, nil, ids(server.URL)...)
		if got.code != exitFindings || !strings.Contains(got.stdout, "no answer") {
			t.Errorf("exit code %d, want 1:\n%s", got.code, got.stdout)
		}
	})
}

func TestAWrongFlagExitsWithTwoAndOneLine(t *testing.T) {
	notPEM := write(t, "ca.pem", []byte("no certificate"))
	for name, args := range map[string][]string{
		"an unknown flag":                 {"--nonsense"},
		"a secret on the command line":    ids("http://127.0.0.1:1", "--client-secret", "x"),
		"a count that is no number":       ids("http://127.0.0.1:1", "--count", "many"),
		"an argument that is no flag":     ids("http://127.0.0.1:1", "more"),
		"no base URL":                     {"--gateway-id", "g", "--merchant-ids", "m"},
		"an empty merchant id":            {"--base-url", "http://127.0.0.1:1", "--gateway-id", "g", "--merchant-ids", "m,,n"},
		"an unknown dialect":              ids("http://127.0.0.1:1", "--dialect", "other"),
		"a client without a secret":       ids("http://127.0.0.1:1", "--client-id", "c"),
		"a secret file that is not there": ids("http://127.0.0.1:1", "--client-id", "c", "--client-secret-file", filepath.Join(t.TempDir(), "none")),
		"a CA file without a certificate": ids("http://127.0.0.1:1", "--ca-file", notPEM),
		"a client certificate alone":      ids("http://127.0.0.1:1", "--client-cert-file", notPEM),
	} {
		t.Run(name, func(t *testing.T) {
			got := command(t, nil, args...)
			if got.code != exitUsage || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
			}
		})
	}
}

func TestHelpListsTheFlags(t *testing.T) {
	got := command(t, nil, "--help")
	if got.code != exitClean || !strings.Contains(got.stdout, "-base-url") || got.stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
	}
}

func TestMutualTLSIsSpoken(t *testing.T) {
	certificate, key, leaf := clientCertificate(t)
	server := httptest.NewUnstartedServer(&fakegateway.Gateway{NoOAuth: true})
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	server.TLS.ClientCAs.AddCert(leaf)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	ca := write(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))

	with := command(t, nil, ids(server.URL, "--ca-file", ca, "--client-cert-file", certificate, "--client-key-file", key)...)
	if with.code != exitClean {
		t.Errorf("exit code %d with a client certificate:\n%s%s", with.code, with.stdout, with.stderr)
	}
	without := command(t, nil, ids(server.URL, "--ca-file", ca)...)
	if without.code != exitFindings {
		t.Errorf("exit code %d without a client certificate:\n%s", without.code, without.stdout)
	}
	untrusted := command(t, nil, ids(server.URL, "--client-cert-file", certificate, "--client-key-file", key)...)
	if untrusted.code != exitFindings {
		t.Errorf("exit code %d for a server that is not trusted:\n%s", untrusted.code, untrusted.stdout)
	}
}

// clientCertificate writes a self-signed client certificate and its key.
func clientCertificate(t *testing.T) (certFile, keyFile string, leaf *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "d1-out"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "client.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		write(t, "client-key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})), leaf
}

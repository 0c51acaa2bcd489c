package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
)

const key = "a-signing-key-of-32-bytes-or-so!"

func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func secretFile(t *testing.T, secrets ...string) string {
	t.Helper()
	return write(t, []byte(strings.Join(secrets, "\n")+"\n"))
}

func goodSecret() string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(key)) }

// program is the command under way, with the lines that it prints.
type program struct {
	url   string
	lines *bufio.Scanner
	stop  context.CancelFunc
	code  chan int
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	p := &program{lines: bufio.NewScanner(reader), stop: stop, code: make(chan int, 1)}
	go func() {
		p.code <- run(ctx, append(args, "--listen", "127.0.0.1:0"), writer, writer)
		_ = writer.Close()
	}()
	t.Cleanup(func() { stop(); _ = reader.Close() })
	if !p.lines.Scan() {
		t.Fatal("nothing was printed")
	}
	var found bool
	if p.url, found = strings.CutPrefix(p.lines.Text(), "listening on "); !found {
		t.Fatalf("printed %q and not the bound address", p.lines.Text())
	}
	return p
}

func deliver(t *testing.T, url, id string) *http.Request {
	t.Helper()
	body := []byte(`{"updateType":"CARD_UPDATE"}`)
	webhook, err := standardwebhooks.NewWebhook(goodSecret())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	signature, err := webhook.Sign(id, now, body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Webhook-Id": id, "Webhook-Timestamp": fmt.Sprint(now.Unix()), "Webhook-Signature": signature,
		"Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Source": "/gateways/MGW_000001", "Ce-Type": "t", "Ce-Subject": "planted-subject",
	} {
		r.Header.Set(name, value)
	}
	return r
}

func do(t *testing.T, client *http.Client, r *http.Request) (int, []byte) {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err != nil || closeErr != nil {
		t.Fatal(err, closeErr)
	}
	return response.StatusCode, body
}

func TestTheProgramTakesADeliveryAndEndsWhenTold(t *testing.T) {
	p := start(t, "--secret-file", secretFile(t, "whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 24)), goodSecret()),
		"--fail-first", "1", "--verbose")
	lines := make(chan string, 2) // as many as there will be, so that the program never waits for us
	go func() {
		defer close(lines)
		for p.lines.Scan() {
			lines <- p.lines.Text()
		}
	}()
	var log strings.Builder
	for _, want := range []int{503, 204} {
		if code, _ := do(t, http.DefaultClient, deliver(t, p.url+"/hooks/d1", "evt_1")); code != want {
			t.Errorf("answered %d, want %d", code, want)
		}
		log.WriteString(<-lines + "\n")
	}
	if text := log.String(); !strings.Contains(text, "outcome=failed") || !strings.Contains(text, "outcome=accepted") || strings.Contains(text, "planted") {
		t.Errorf("the log lacks an outcome or has too much:\n%s", text)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/stats", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, body := do(t, http.DefaultClient, r)
	var stats merchant.Stats
	if err := json.Unmarshal(body, &stats); err != nil || stats != (merchant.Stats{Accepted: 1, Failed: 1}) {
		t.Errorf("stats %s, error %v", body, err)
	}
	http.DefaultClient.CloseIdleConnections()
	p.stop()
	if code := <-p.code; code != exitOK {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestTheProgramSpeaksTLS(t *testing.T) {
	certFile, keyFile, roots := serverCertificate(t)
	p := start(t, "--secret-file", secretFile(t, goodSecret()), "--tls-cert-file", certFile, "--tls-key-file", keyFile)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	if !strings.HasPrefix(p.url, "https://") {
		t.Errorf("listening on %s, want https", p.url)
	}
	if code, _ := do(t, &http.Client{Transport: transport}, deliver(t, p.url, "evt_1")); code != http.StatusNoContent {
		t.Errorf("answered %d, want 204", code)
	}
}

// serverCertificate writes a self-signed certificate for 127.0.0.1 and its key.
func serverCertificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots.AppendCertsFromPEM(certPEM)
	return write(t, certPEM), write(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})), roots
}

func TestAWrongFlagIsOneLine(t *testing.T) {
	good := secretFile(t, goodSecret())
	for name, args := range map[string][]string{
		"an unknown flag":            {"--nonsense"},
		"no secret file":             {},
		"a secret file that is away": {"--secret-file", filepath.Join(t.TempDir(), "none")},
		"a secret that is none":      {"--secret-file", secretFile(t, "planted")},
		"an empty secret file":       {"--secret-file", secretFile(t)},
		"an argument":                {"--secret-file", good, "more"},
		"half of TLS":                {"--secret-file", good, "--tls-cert-file", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), args, &stdout, &stderr)
			if code != exitUsage || strings.Count(stderr.String(), "\n") != 1 || stdout.Len() > 0 || strings.Contains(stderr.String(), "planted") {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
			}
		})
	}
}

func TestAnAddressInUseIsAFailure(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--secret-file", secretFile(t, goodSecret()), "--listen", listener.Addr().String()}, &stdout, &stderr)
	if code != exitFailure || stderr.Len() == 0 {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

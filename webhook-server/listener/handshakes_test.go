package listener

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log that is written to by the server while the test reads.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestAHandshakeThatFailsIsCountedAndTold(t *testing.T) {
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	certificate.Close()
	var log lines
	l, err := Listen(t.Context(), Options{
		Name: "test", Address: "127.0.0.1:0", MaxConnections: 8, Handler: http.NotFoundHandler(),
		TLS:    &tls.Config{Certificates: certificate.TLS.Certificates, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(make(chan error, 1))
	defer func() { _ = l.Stop(context.WithoutCancel(t.Context())) }()
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err == nil {
		_ = conn.Close()
		t.Fatal("the handshake succeeded without a client certificate")
	}
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for l.Counts().HandshakesFailed != 1 || !strings.Contains(log.String(), "TLS handshake failed") {
		select {
		case <-deadline:
			t.Fatalf("counted %d, logged %q", l.Counts().HandshakesFailed, log.String())
		case <-tick.C:
		}
	}
}

func TestProbesAreNotToldAndFailuresNotMoreThanOnceASecond(t *testing.T) {
	var log lines
	h := &handshakes{logger: slog.New(slog.NewTextHandler(&log, nil))}
	say := func(text string) {
		_, _ = h.Write([]byte("http: TLS handshake error from 192.0.2.1:4711: " + text + "\n"))
	}
	say("EOF")
	say("read tcp 192.0.2.9:8443->192.0.2.1:4711: read: connection reset by peer")
	if log.String() != "" || h.failed.Load() != 0 {
		t.Errorf("probes are told: %s", log.String())
	}
	for range 3 {
		say("tls: client didn't provide a certificate")
	}
	if got := strings.Count(log.String(), "TLS handshake failed"); got != 1 || h.failed.Load() != 3 {
		t.Errorf("told %d times, counted %d", got, h.failed.Load())
	}
	if !strings.Contains(log.String(), "source=192.0.2.1:4711") || !strings.Contains(log.String(), "provide a certificate") {
		t.Errorf("told is %s", log.String())
	}
}

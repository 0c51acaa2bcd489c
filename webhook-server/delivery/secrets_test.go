package delivery_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// TestNoSecretIsLogged plants secrets wherever one may stand, runs the whole way with every level logged, and looks for them.
func TestNoSecretIsLogged(t *testing.T) {
	planted := []string{"planted-signing", "planted-query", "planted-answer", "planted-header", "planted-token", "planted-status"}
	var logged lockedBuffer
	logger := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	codes := make(chan int, 2)
	codes <- 500
	codes <- 200
	url, requests := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://planted-header.example/")
		w.Header().Set("X-Secret", "planted-header")
		w.WriteHeader(<-codes)
		_, _ = io.WriteString(w, "planted-answer")
	})
	garbage := rawServer(t, "HTTP/1.1 planted-status\r\nX: planted-answer\r\n\r\n")
	w := newWorld(t)
	w.secret("sx", "planted-signing")
	for i, u := range []string{url, garbage, "https://127.0.0.1:1/", "https://planted-query.invalid"} {
		d := destination(u + "/?key=planted-query")
		if i == 3 {
			d.URL = "https://no-such-host.invalid/?key=planted-query"
		}
		d.SigningSecrets = []string{"sx"}
		w.merchant(merchantID(i), d)
	}
	w.apply()
	s := openStore(t)
	for i := range 4 {
		n := notification(merchantID(i), merchantID(i))
		n.TokenID = "planted-token"
		appendAll(t, s, n)
	}
	seen := &signalling{observer: &observer{}, ended: make(chan delivery.AttemptReport, 100)}
	d := delivery.New(delivery.Options{
		Store: s, Snapshot: w.state.Snapshot, Attempter: sender(t, loopback), Logger: logger, Observer: seen,
		Jitter: func() float64 { return 0 },
	})
	d.Start()
	for delivered, others := false, map[string]bool{}; !delivered || len(others) < 3; {
		r := <-seen.ended
		if r.State == store.Delivered {
			delivered = true
		} else if r.MerchantID != merchantID(0) {
			others[r.MerchantID] = true
		}
	}
	if err := d.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if len(requests) != 2 {
		t.Errorf("%d requests, want 2", len(requests))
	}
	text := logged.String()
	for _, message := range []string{"delivery attempt failed", "notification delivered"} {
		if !strings.Contains(text, message) {
			t.Errorf("the log does not say %q, so that this test would find nothing", message)
		}
	}
	for _, secret := range planted {
		if strings.Contains(text, secret) {
			t.Errorf("%s stands in the log:\n%s", secret, text)
		}
	}
}

// signalling hands every report on.
type signalling struct {
	*observer
	ended chan delivery.AttemptReport
}

func (s *signalling) AttemptEnded(r delivery.AttemptReport) { s.ended <- r }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rawServer answers every connection with the text.
func rawServer(t *testing.T, answer string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 4096)
			_, _ = c.Read(buffer)
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

package token_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token"
)

// lagging is a connection that reads what was written to it only later, as an HTTP/2 connection does with a body of more than 4,096 bytes
// when the stream is reset meanwhile.
type lagging struct {
	http.ResponseWriter
	pending, was []byte
}

func (l *lagging) Write(b []byte) (int, error) {
	l.pending, l.was = b, slices.Clone(b)
	return len(b), nil
}

func TestALongBodyIsNotWrittenOverAfterItsRequest(t *testing.T) {
	w := fixture.New(t)
	// The longest token that documents allow.
	w.Secrets.SigningKeys = append(w.Secrets.SigningKeys, fixture.SigningKey(t, strings.Repeat("k", 128), api.RS256, fixture.Now()))
	w.Gateway.SigningKeys = []string{strings.Repeat("k", 128)}
	w.Gateway.Issuer += "/" + strings.Repeat("i", 512-len(w.Gateway.Issuer)-1)
	w.Client.ClientID = strings.Repeat("c", 128)
	w.Client.Scopes = nil
	for i := range 16 {
		w.Client.Scopes = append(w.Client.Scopes, fmt.Sprintf("%02d%s", i, strings.Repeat("x", 62)))
	}
	w.Publish()
	h := token.NewHandler(token.Options{
		Clients: w.Authenticator(), Thumbprint: noThumbprint, Observer: silent{}, Logger: slog.New(slog.DiscardHandler), RetryAfter: time.Second,
	})
	var all []*lagging
	for range 16 {
		r := httptest.NewRequest(http.MethodPost, fixture.TokenPath, strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Authorization", fixture.BasicAuthorization(w.Client.ClientID, fixture.ClientSecret))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		l := &lagging{ResponseWriter: httptest.NewRecorder()}
		h.ServeHTTP(l, r)
		if len(l.was) <= 4096 {
			t.Fatalf("a body of %d bytes proves nothing", len(l.was))
		}
		all = append(all, l)
	}
	for i, l := range all {
		if !bytes.Equal(l.pending, l.was) {
			t.Fatalf("body %d has become another one", i)
		}
	}
}

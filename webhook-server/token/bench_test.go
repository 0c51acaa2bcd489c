package token_test

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

type silent struct{}

func (silent) Answered(token.Outcome, *serving.Client)   {}
func (silent) Signed(*serving.Client, string, time.Time) {}

// BenchmarkTokenES256 is the token endpoint as it is served; BenchmarkTokenES256Floor is the least that any handler must do. The goal
// is at least 0.8 of the floor's requests for each second of CPU.
func BenchmarkTokenES256(b *testing.B) {
	w := fixture.New(b)
	benchmark(b, token.NewHandler(token.Options{
		Clients: w.Authenticator(func(o *clientauth.Options) { o.Now, o.BodyTimeout = time.Now, 10*time.Second }), Thumbprint: noThumbprint,
		Observer: silent{}, Logger: slog.New(slog.DiscardHandler), RetryAfter: time.Second,
	}))
}

// BenchmarkTokenES256Floor parses the form, compares one SHA-256 and signs with the same library.
func BenchmarkTokenES256Floor(b *testing.B) {
	w := fixture.New(b)
	key := w.Compiled().SigningKey(time.Now())
	want := sha256.Sum256([]byte(fixture.ClientSecret))
	benchmark(b, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		got := sha256.Sum256([]byte(secret))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || r.ParseForm() != nil || r.PostForm.Get("grant_type") != "client_credentials" {
			out.WriteHeader(http.StatusUnauthorized)
			return
		}
		now := time.Now()
		unsigned := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{
			Issuer: fixture.Issuer, Audience: jwt.ClaimStrings{fixture.Issuer}, Subject: fixture.ClientID,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(15 * time.Minute)), ID: "0123456789abcdef012345",
		})
		unsigned.Header["kid"] = key.ID
		signed, err := unsigned.SignedString(key.Private)
		if err != nil {
			out.WriteHeader(http.StatusInternalServerError)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(out, `{"access_token":%q,"token_type":"Bearer","expires_in":900}`, signed)
	}))
}

func benchmark(b *testing.B, h http.Handler) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, fixture.TokenPath, strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Authorization", fixture.Basic)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
}

package clientauth_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// BenchmarkUnknownClient and BenchmarkWrongSecret are what a stranger can time: the two should differ by less than a tenth. The log line
// is part of it.
func BenchmarkUnknownClient(b *testing.B) { benchmarkFailure(b, basic("is_nobody1", "wrong")) }

// BenchmarkWrongSecret is the other one of the pair.
func BenchmarkWrongSecret(b *testing.B) { benchmarkFailure(b, wrong()) }

func benchmarkFailure(b *testing.B, r request) {
	b.Helper()
	w := fixture.New(b)
	source := netip.MustParseAddr("10.0.0.1")
	clients := w.Authenticator(func(o *clientauth.Options) {
		o.Now = time.Now
		// No source fails often enough to be limited.
		o.Source = func(*http.Request) netip.Addr { source = source.Next(); return source }
		o.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // the line is to be formatted as it would be
	})
	in, out := r.build(), httptest.NewRecorder()
	finder := find(in)
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := clients.Authenticate(out, in, finder); refusal != clientauth.BadClient {
			b.Fatalf("got %q", refusal)
		}
	}
}

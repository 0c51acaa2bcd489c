package accesstoken_test

import (
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

// BenchmarkVerify is what a notification pays for a token that was used before.
func BenchmarkVerify(b *testing.B) {
	w := fixture.New(b)
	raw := w.AccessToken(time.Now())
	v, g, s := newVerifier(), w.Compiled(), w.Snapshot()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(g, s, raw, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

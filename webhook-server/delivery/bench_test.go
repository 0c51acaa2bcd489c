package delivery_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// BenchmarkDeliver measures the whole way over loopback: claim, sign, send, record durably. One operation is one notification delivered.
func BenchmarkDeliver(b *testing.B) {
	for _, lanes := range []int{1, 20} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
			defer backend.Close()
			w := newWorld(b)
			for i := range lanes {
				d := destination(backend.URL)
				d.MaxInFlight = 64
				w.merchant(merchantID(i), d)
			}
			w.apply()
			s := openStore(b)
			waiting := make([]store.Notification, b.N)
			for i := range waiting {
				waiting[i] = notification(fmt.Sprintf("n-%d", i), merchantID(i%lanes))
			}
			appendAll(b, s, waiting...)
			seen := &signalling{observer: &observer{}, ended: make(chan delivery.AttemptReport, 1000)}
			b.ResetTimer()
			start(b, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: sender(b, loopback), Observer: seen})
			for range b.N {
				if r := <-seen.ended; r.State != store.Delivered {
					b.Fatalf("%+v", r)
				}
			}
		})
	}
}

// BenchmarkWake is what the notification handler pays after each Append, with the lane's goroutine busy.
func BenchmarkWake(b *testing.B) {
	w := newWorld(b)
	w.merchant(merchantID(1), destination("https://merchant.example"))
	w.apply()
	d := start(b, delivery.Options{Store: openStore(b), Snapshot: w.state.Snapshot, Attempter: newAttempter(always(delivered))})
	for b.Loop() {
		d.Wake(laneOf(merchantID(1)))
	}
}

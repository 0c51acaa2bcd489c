package running

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

// Backend is a merchant's backend that verifies what it is sent.
type Backend struct {
	// URL is its endpoint.
	URL string
	// Deliveries are those it got; more than 4096 that nobody has taken hold it up.
	Deliveries chan merchant.Delivery
}

// NewBackend runs a backend until the test ends.
func NewBackend(tb testing.TB) *Backend {
	tb.Helper()
	b := &Backend{Deliveries: make(chan merchant.Delivery, 4096)}
	handler, err := merchant.New(merchant.Options{Secrets: []string{fixture.DeliverySecret}, OnDelivery: func(d merchant.Delivery) { b.Deliveries <- d }})
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	b.URL = server.URL + "/d1"
	return b
}

// Delivered is the next delivery.
func (w *World) Delivered() merchant.Delivery {
	w.tb.Helper()
	select {
	case d := <-w.Backend.Deliveries:
		return d
	case <-time.After(patience):
		w.tb.Fatalf("nothing was delivered; log:\n%s", w.Log)
		return merchant.Delivery{}
	}
}

// Platform is a platform's own endpoint, for token look-ups and Synchronous deliveries: it answers every request with one status.
type Platform struct {
	// URL is its endpoint, without a path.
	URL string
	// Status is what it answers, 200 at first. Drop and Hang are two more.
	Status atomic.Int64
	// Asked counts the requests.
	Asked atomic.Int64

	mu   sync.Mutex
	hung chan struct{} // closed when those that hang are to be answered
}

// What a Platform can do in place of answering.
const (
	// Drop cuts the connection.
	Drop = -1
	// Hang answers nothing until the caller gives up, or Release.
	Hang = -2
)

// NewPlatform runs a platform until the test ends.
func NewPlatform(tb testing.TB) *Platform {
	tb.Helper()
	p := &Platform{hung: make(chan struct{})}
	p.Status.Store(http.StatusOK)
	server := httptest.NewServer(http.HandlerFunc(p.answer))
	tb.Cleanup(server.Close)
	tb.Cleanup(p.Release)
	p.URL = server.URL
	return p
}

// Release answers those that hang with 200.
func (p *Platform) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.hung)
	p.hung = make(chan struct{})
}

// hanging answers a channel that ends with the next Release.
func (p *Platform) hanging() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hung
}

func (p *Platform) answer(w http.ResponseWriter, r *http.Request) {
	p.Asked.Add(1)
	switch status := p.Status.Load(); status {
	case Drop:
		panic(http.ErrAbortHandler)
	case Hang:
		select {
		case <-r.Context().Done():
		case <-p.hanging():
		}
	default:
		w.WriteHeader(int(status))
	}
}

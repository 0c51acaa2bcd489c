package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
)

// backend is a merchant's backend that verifies what it gets and notes it in the ledger.
type backend struct {
	url string

	mu      sync.Mutex
	gate    chan struct{} // closed while deliveries are answered
	held    int           // those that wait at the gate
	watches []watch
}

// watch is told when the condition holds of those that wait at the gate.
type watch struct {
	holds func(held int) bool
	done  chan struct{}
}

// startBackend runs a backend until the test ends. Each delivery takes as long as delay says.
func startBackend(t testing.TB, signingSecret string, l *ledger, delay time.Duration) *backend {
	t.Helper()
	verifying, err := merchant.New(merchant.Options{Secrets: []string{signingSecret}, OnDelivery: func(d merchant.Delivery) {
		var data struct{ TokenID string }
		if d.Outcome == merchant.BadSignature || d.Outcome == merchant.Invalid || json.Unmarshal(d.Body, &data) != nil {
			t.Errorf("a delivery is %s: %v", d.Outcome, d.Err)
			return
		}
		l.deliver(d.Event.ID, data.TokenID)
	}})
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{gate: make(chan struct{})}
	close(b.gate)
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // all of it, or nobody would notice while it waits that whoever called has gone
		if err != nil || !b.pass(r) {
			return
		}
		wait(r, delay)
		r.Body = io.NopCloser(bytes.NewReader(body))
		verifying.ServeHTTP(w, r)
	}))
	t.Cleanup(served.Close)
	t.Cleanup(b.release)
	b.url = served.URL + "/d1"
	return b
}

// wait is how long the merchant takes to do its work.
func wait(r *http.Request, delay time.Duration) {
	if delay == 0 {
		return
	}
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
	}
}

// pass waits at the gate, and answers false when whoever called has gone.
func (b *backend) pass(r *http.Request) bool {
	gate := b.count(1)
	defer b.count(-1)
	select {
	case <-gate:
		return true
	case <-r.Context().Done():
		return false
	}
}

// count adds to those that wait at the gate, which it answers.
func (b *backend) count(more int) (gate chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held += more
	b.watches = slices.DeleteFunc(b.watches, func(w watch) bool {
		if !w.holds(b.held) {
			return false
		}
		close(w.done)
		return true
	})
	return b.gate
}

// when answers a channel that is closed once the condition holds of those that wait.
func (b *backend) when(holds func(held int) bool) <-chan struct{} {
	b.mu.Lock()
	w := watch{holds, make(chan struct{})}
	b.watches = append(b.watches, w)
	b.mu.Unlock()
	b.count(0)
	return w.done
}

// hold keeps the deliveries that come from now on waiting, and answers a channel that is closed once so many wait.
func (b *backend) hold(count int) <-chan struct{} {
	b.mu.Lock()
	b.gate = make(chan struct{})
	b.mu.Unlock()
	return b.when(func(held int) bool { return held >= count })
}

// release lets those that wait go on.
func (b *backend) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.gate:
	default:
		close(b.gate)
	}
}

package main

import (
	"net/http"
	"sync"
	"time"
)

// arrivals is the backend of the healthy destinations: it notes when each event arrives.
type arrivals struct {
	mu      sync.Mutex
	waiting map[string]chan time.Time // by webhook-id
}

func newArrivals() *arrivals { return &arrivals{waiting: map[string]chan time.Time{}} }

func (a *arrivals) expect(id string) <-chan time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	arrived := make(chan time.Time, 1)
	a.waiting[id] = arrived
	return arrived
}

// ServeHTTP takes an event.
func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	a.mu.Lock()
	arrived := a.waiting[r.Header.Get("Webhook-Id")]
	delete(a.waiting, r.Header.Get("Webhook-Id"))
	a.mu.Unlock()
	if arrived != nil { // else it comes a second time
		arrived <- at
	}
	w.WriteHeader(http.StatusNoContent)
}

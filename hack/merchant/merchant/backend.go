// Package merchant is a small backend that receives what the gateway delivers: signed
// CloudEvents over HTTP. It shows what an integrator has to do on each delivery, in this
// order: verify the signature over the bytes as they came, check the event, drop
// duplicates by id, answer 2xx.
//
// It remembers ids in memory and for good. A real backend keeps them in its database, in
// the transaction that acts on the event.
package merchant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxBody is the most that is read of one delivery, in bytes.
const maxBody = 1 << 20

// Options configure a Backend.
type Options struct {
	// Secrets are the signing secrets, "whsec_" and base64, and the public keys of Ed25519,
	// "whpk_" and base64, of which one has to match.
	// Two are in force while a secret is being rotated. At least one is required.
	Secrets []string
	// FailFirst makes the first so many attempts of each event fail with 503.
	FailFirst int
	// Delay is how long each verified delivery takes.
	Delay time.Duration
	// OnDelivery, when set, learns of each delivery before it is answered. Calls of it do
	// not overlap.
	OnDelivery func(Delivery)
}

// Backend is an http.Handler that takes deliveries by POST on any path and answers
// GET /stats with its counters.
type Backend struct {
	options  Options
	verifier *verifier
	mux      *http.ServeMux

	mu        sync.Mutex
	stats     Stats
	attempts  map[string]int
	processed map[string]bool

	reporting sync.Mutex
}

// Outcome is what became of a delivery. The set is closed.
type Outcome string

// The outcomes of a delivery, and how each is answered.
const (
	Accepted     Outcome = "accepted"      // 204
	Duplicate    Outcome = "duplicate"     // 204: the sender need not know, and must not try again
	BadSignature Outcome = "bad-signature" // 401
	Invalid      Outcome = "invalid"       // 400: signed, but not the CloudEvent it should be
	Failed       Outcome = "failed"        // 503, on request of Options.FailFirst
)

// Delivery is one attempt to deliver an event.
type Delivery struct {
	Outcome Outcome
	// Path is where it was delivered to.
	Path string
	// Attempt counts the verified attempts for the event's id, from 1. It is 0 when the
	// signature was bad, because the id is then anybody's claim.
	Attempt int
	// Event and Body are empty when the signature was bad.
	Event Event
	Body  []byte
	// Err says what was wrong, for BadSignature and Invalid.
	Err error
}

// Stats counts deliveries by outcome.
type Stats struct {
	Accepted      int `json:"accepted"`
	Duplicates    int `json:"duplicates"`
	BadSignatures int `json:"badSignatures"`
	Invalid       int `json:"invalid"`
	Failed        int `json:"failed"`
}

// New returns a Backend. It fails when a secret is missing, malformed, or shorter than
// the 24 bytes that Standard Webhooks asks for.
func New(options Options) (*Backend, error) {
	verifier, err := newVerifier(options.Secrets)
	if err != nil {
		return nil, err
	}
	b := &Backend{
		options: options, verifier: verifier, mux: http.NewServeMux(),
		attempts: map[string]int{}, processed: map[string]bool{},
	}
	b.mux.HandleFunc("POST /", b.receive)
	b.mux.HandleFunc("GET /stats", b.serveStats)
	return b, nil
}

// ServeHTTP takes one delivery or answers with the counters.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

// Stats returns the counters.
func (b *Backend) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

func (b *Backend) receive(w http.ResponseWriter, r *http.Request) {
	// The signature covers these very bytes: decoding and encoding them again, even
	// without a change of meaning, would break it.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
		return // otherwise the sender is gone
	}
	delivery := b.judge(r, body)
	b.report(delivery)
	if delivery.Outcome != BadSignature {
		wait(r, b.options.Delay)
	}
	w.WriteHeader(delivery.Outcome.status())
}

func (b *Backend) judge(r *http.Request, body []byte) Delivery {
	delivery := Delivery{Path: r.URL.Path}
	if delivery.Err = b.verifier.verify(body, r.Header); delivery.Err != nil {
		delivery.Outcome = b.count(BadSignature, "")
		return delivery
	}
	id := r.Header.Get("Webhook-Id")
	delivery.Body, delivery.Attempt = body, b.attempt(id)
	delivery.Event, delivery.Err = parseEvent(r.Header, body)
	switch {
	case delivery.Err != nil:
		delivery.Outcome = b.count(Invalid, id)
	case delivery.Attempt <= b.options.FailFirst:
		delivery.Outcome = b.count(Failed, id)
	default:
		delivery.Outcome = b.count(Accepted, id)
	}
	return delivery
}

func (b *Backend) attempt(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts[id]++
	return b.attempts[id]
}

// count adds to the counter of an outcome. An event that was accepted before becomes a
// Duplicate: the decision and the memory of it are one step, because two deliveries of an
// event may arrive at the same time.
func (b *Backend) count(outcome Outcome, id string) Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case outcome == BadSignature:
		b.stats.BadSignatures++
	case outcome == Invalid:
		b.stats.Invalid++
	case outcome == Failed:
		b.stats.Failed++
	case b.processed[id]:
		b.stats.Duplicates++
		return Duplicate
	default:
		b.processed[id] = true
		b.stats.Accepted++
	}
	return outcome
}

func (b *Backend) report(delivery Delivery) {
	if b.options.OnDelivery == nil {
		return
	}
	b.reporting.Lock()
	defer b.reporting.Unlock()
	b.options.OnDelivery(delivery)
}

func (o Outcome) status() int {
	switch o {
	case Accepted, Duplicate:
		return http.StatusNoContent
	case BadSignature:
		return http.StatusUnauthorized
	case Invalid:
		return http.StatusBadRequest
	case Failed:
		return http.StatusServiceUnavailable
	}
	panic(fmt.Sprintf("outcome %q has no status", string(o)))
}

func (b *Backend) serveStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(b.Stats()) // the reader is gone if this fails
}

// wait ends early when the sender hangs up.
func wait(r *http.Request, delay time.Duration) {
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

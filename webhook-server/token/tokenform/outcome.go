package tokenform

import (
	"net/http"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// Outcome is what came of one request; the set of each endpoint is closed, so that requests can be counted by it.
type Outcome = clientauth.Outcome

// The outcomes that the endpoints have in common, beside the refusals of clientauth.
const (
	// NotFound: no gateway has that path on that host, or it issues no tokens.
	NotFound         Outcome = "not_found"
	MethodNotAllowed Outcome = "method_not_allowed"
	// Failed: a panic, or what an endpoint says failed. It is logged.
	Failed Outcome = "failed"
)

// Outcomes lists every outcome of an endpoint that has the given ones of its own, so that counters can begin at zero.
func Outcomes(own ...Outcome) []Outcome {
	return slices.Concat(own, []Outcome{NotFound, MethodNotAllowed, Failed}, clientauth.Refusals())
}

// writeRefusal answers every request that an endpoint does not decide over. No cache may keep the answer.
func writeRefusal(w http.ResponseWriter, o Outcome, retryAfter time.Duration) {
	httpx.NoStore(w.Header())
	switch o {
	case NotFound:
		httpx.WriteEmpty(w, http.StatusNotFound)
	case MethodNotAllowed:
		httpx.MethodNotAllowed(w, http.MethodPost)
	case Failed:
		httpx.Unavailable(w, retryAfter)
	default:
		clientauth.WriteRefusal(w, o, retryAfter)
	}
}

// Answer is what an endpoint has decided.
type Answer struct {
	// Outcome is for the Observer only.
	Outcome Outcome
	// Status is that of the answer; 503 gets Retry-After, and no Body.
	Status int
	// Body is JSON; none when it is empty.
	Body []byte
}

// write answers the request. No cache may keep it (RFC 7662 section 4).
func (a Answer) write(w http.ResponseWriter, retryAfter time.Duration) {
	httpx.NoStore(w.Header())
	switch {
	case a.Status == http.StatusServiceUnavailable:
		httpx.Unavailable(w, retryAfter)
	case len(a.Body) == 0:
		httpx.WriteEmpty(w, a.Status)
	default:
		httpx.WriteJSON(w, a.Status, a.Body)
	}
}

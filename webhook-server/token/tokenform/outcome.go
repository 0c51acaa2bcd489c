package tokenform

import (
	"net/http"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// Outcome is what came of one request; the set of each endpoint is closed, so that requests can be counted by it.
type Outcome string

// The outcomes that the endpoints have in common, beside the refusals of clientauth.
const (
	BadClient  = Outcome(clientauth.BadClient)
	BadRequest = Outcome(clientauth.BadRequest)
	// NotReady: the serving documents have not been read, or the gateway may be in one that cannot be served yet.
	NotReady = Outcome(clientauth.NotReady)
	// NotFound: no gateway has that path on that host, or it issues no tokens.
	NotFound         Outcome = "not_found"
	MethodNotAllowed Outcome = "method_not_allowed"
	// Failed: a panic. It is logged.
	Failed Outcome = "failed"
)

// Outcomes lists every outcome of an endpoint that has the given ones of its own, so that counters can begin at zero.
func Outcomes(own ...Outcome) []Outcome {
	all := slices.Concat(own, []Outcome{NotFound, MethodNotAllowed, Failed})
	for _, refusal := range clientauth.Refusals() {
		all = append(all, Outcome(refusal))
	}
	return all
}

// Answer is what an endpoint has decided.
type Answer struct {
	Outcome Outcome
	// Status is that of the answer; 503 gets Retry-After.
	Status int
	// Body is JSON; none when it is empty.
	Body []byte
}

// refusal answers every request that an endpoint does not decide over.
func refusal(o Outcome) Answer { return Answer{Outcome: o} }

// write answers the request. No cache may keep it (RFC 7662 section 4).
func (a Answer) write(w http.ResponseWriter, retryAfter time.Duration) {
	httpx.NoStore(w.Header())
	switch {
	case a.Outcome == MethodNotAllowed:
		httpx.MethodNotAllowed(w, http.MethodPost)
	case a.Outcome == NotFound:
		httpx.WriteEmpty(w, http.StatusNotFound)
	case a.Status == 0:
		clientauth.Refusal(a.Outcome).Write(w, retryAfter)
	case a.Status == http.StatusServiceUnavailable:
		httpx.Unavailable(w, retryAfter)
	case len(a.Body) == 0:
		httpx.WriteEmpty(w, a.Status)
	default:
		httpx.WriteJSON(w, a.Status, a.Body)
	}
}

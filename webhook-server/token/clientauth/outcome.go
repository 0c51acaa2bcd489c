package clientauth

import (
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// Outcome is what came of one request at an endpoint that clients call. It is one type for all of them, so that a refusal is counted as
// what it is wherever it was met; the set of each endpoint is closed: the Refusals and its own. Empty means none yet.
type Outcome string

// The refusals: why a request ends before its endpoint has looked at it.
const (
	// BadClient: 401 invalid_client.
	BadClient Outcome = "invalid_client"
	// BadRequest: 400 invalid_request.
	BadRequest Outcome = "invalid_request"

	// The refusals below are 503: the client may come again.

	// TooManyFailures: the client has failed too often from this source.
	TooManyFailures Outcome = "too_many_failures"
	// NotReady: the serving documents have not been read yet.
	NotReady Outcome = "not_ready"
	// BodyTimeout: the body did not arrive in time.
	BodyTimeout Outcome = "body_timeout"
	// Overloaded: too many anonymous requests are under way, or the client has more live assertions than can be remembered as used.
	Overloaded Outcome = "overloaded"
)

// Refusals lists every refusal, so that counters can begin at zero.
func Refusals() []Outcome {
	return []Outcome{BadClient, BadRequest, TooManyFailures, NotReady, BodyTimeout, Overloaded}
}

var (
	invalidClientBody  = []byte(`{"error":"invalid_client"}`)
	invalidRequestBody = []byte(`{"error":"invalid_request","errorCode":"FIELD_INVALID_FORMAT"}`)
	challenge          = []string{`Basic realm="d1", charset="UTF-8"`}
)

// WriteRefusal answers a request that was refused; what is none of the Refusals is answered 503. No cache may keep the answer.
func WriteRefusal(w http.ResponseWriter, refusal Outcome, retryAfter time.Duration) {
	httpx.NoStore(w.Header())
	switch refusal {
	case BadClient:
		// The D1 document lists no 401; RFC 6749 section 5.2 requires it.
		w.Header()["Www-Authenticate"] = challenge
		httpx.WriteJSON(w, http.StatusUnauthorized, invalidClientBody)
	case BadRequest:
		// Both D1's closed error object and that of RFC 6749 section 5.2.
		httpx.WriteJSON(w, http.StatusBadRequest, invalidRequestBody)
	default:
		httpx.Unavailable(w, retryAfter)
	}
}

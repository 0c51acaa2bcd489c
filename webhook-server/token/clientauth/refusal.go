package clientauth

import (
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Refusal is why a request ends before its endpoint has looked at it; empty means that it does not. The set is closed, so that requests
// can be counted by it.
type Refusal string

// The refusals.
const (
	// BadClient: 401 invalid_client.
	BadClient Refusal = "invalid_client"
	// BadRequest: 400 invalid_request.
	BadRequest Refusal = "invalid_request"

	// The refusals below are 503: the client may come again.

	// TooManyFailures: the client id has failed too often from this source.
	TooManyFailures Refusal = "too_many_failures"
	// NotReady: the serving documents have not been read yet.
	NotReady Refusal = "not_ready"
	// BodyTimeout: the body did not arrive in time.
	BodyTimeout Refusal = "body_timeout"
	// Overloaded: the client has more live assertions than can be remembered as used.
	Overloaded Refusal = "overloaded"
)

// Refusals lists every refusal, so that counters can begin at zero.
func Refusals() []Refusal {
	return []Refusal{BadClient, BadRequest, TooManyFailures, NotReady, BodyTimeout, Overloaded}
}

var (
	invalidClientBody  = []byte(`{"error":"invalid_client"}`)
	invalidRequestBody = []byte(`{"error":"invalid_request","errorCode":"FIELD_INVALID_FORMAT"}`)
	challenge          = []string{`Basic realm="d1", charset="UTF-8"`}
)

// Write answers a request that was refused. No cache may keep it.
func (f Refusal) Write(w http.ResponseWriter, retryAfter time.Duration) {
	httpx.NoStore(w.Header())
	switch f {
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

// Reason is why an authentication failed, for logs and metrics only: the answer is the same for most. The set is closed.
type Reason string

// The reasons.
const (
	// NoCredentials: none were presented, or none that can be read.
	NoCredentials Reason = "no_credentials"
	UnknownClient Reason = "unknown_client"
	WrongSecret   Reason = "wrong_secret"
	ExpiredSecret Reason = "expired_secret"
	Suspended     Reason = "suspended"
	// MethodNotAllowed: the gateway does not allow the method, or it is not the client's.
	MethodNotAllowed Reason = "method_not_allowed"
	// BadAssertion: a client assertion that does not hold.
	BadAssertion Reason = "bad_assertion"
	// BadCertificate: no client certificate, or one that is not the client's.
	BadCertificate Reason = "bad_certificate"
	// TooMany: the client id has failed too often from this source; nothing was compared.
	TooMany Reason = "too_many_failures"
)

// Reasons lists every reason, so that counters can begin at zero.
func Reasons() []Reason {
	return []Reason{NoCredentials, UnknownClient, WrongSecret, ExpiredSecret, Suspended, MethodNotAllowed, BadAssertion, BadCertificate, TooMany}
}

// failure is one failed authentication.
type failure struct {
	client *serving.Client // the one that was named, when there is one
	reason Reason
	detail string // says more of an assertion or a certificate; never a part of it
}

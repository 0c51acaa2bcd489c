package httpx

import (
	"net/http"
	"strconv"
	"time"
)

// The values below are shared by all answers: a header map that holds them must only be replaced, never appended to.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"}
)

// WriteJSON answers with JSON bytes that are ready to send.
func WriteJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	// The peer may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}

// WriteEmpty answers with a status and no content: no Content-Type, and for 204 no Content-Length (RFC 9110 section 8.6).
func WriteEmpty(w http.ResponseWriter, status int) { w.WriteHeader(status) }

// NoStore forbids every cache to keep the answer (RFC 6749 section 5.1). It must come before the answer is written.
func NoStore(h http.Header) {
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
}

// Unavailable answers 503 with an empty body. Retry-After is rounded up to whole seconds and is at least 1.
func Unavailable(w http.ResponseWriter, retryAfter time.Duration) {
	w.Header().Set("Retry-After", RetryAfterSeconds(retryAfter))
	w.WriteHeader(http.StatusServiceUnavailable)
}

// RetryAfterSeconds is a duration as the value of Retry-After (RFC 9110 section 10.2.3): whole seconds, rounded up, at least 1.
func RetryAfterSeconds(d time.Duration) string {
	seconds := max(1, int64((d+time.Second-1)/time.Second))
	return strconv.FormatInt(seconds, 10)
}

// MethodNotAllowed answers 405 with an empty body and the methods that are allowed, such as "POST".
func MethodNotAllowed(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	w.WriteHeader(http.StatusMethodNotAllowed)
}

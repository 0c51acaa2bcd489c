package clientauth

import (
	"errors"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// MaxBodyBytes bounds the form body of every endpoint; a body of exactly this size passes.
const MaxBodyBytes = 8 << 10

// readForm reads the form body within the timeout. Parameters in the query do not count (RFC 6749 section 2.3.1).
func readForm(w http.ResponseWriter, r *http.Request, timeout time.Duration) (httpx.Form, Outcome) {
	contentType, lines := httpx.Single(r.Header, "Content-Type")
	if lines != 1 || !httpx.IsMediaType(contentType, "application/x-www-form-urlencoded") || len(r.Header["Content-Encoding"]) > 0 {
		return nil, BadRequest
	}
	body, err := httpx.ReadBody(w, r, MaxBodyBytes, timeout)
	if errors.Is(err, httpx.ErrBodyTimeout) {
		return nil, BodyTimeout
	}
	if err != nil {
		return nil, BadRequest
	}
	form, err := httpx.DecodeForm(string(body))
	if err != nil {
		return nil, BadRequest
	}
	return form, ""
}

// credentialParameters authenticate a client in the body (RFC 6749 section 2.3.1, RFC 7521 section 4.2).
var credentialParameters = []string{"client_secret", "client_assertion", "client_assertion_type"}

// loneMethod says whether a client that has authenticated in the header has not done so in the body too: one method for each request
// (RFC 6749 section 2.3). A client_id alone is none; it must not contradict, though.
func loneMethod(form httpx.Form, clientID string) bool {
	for _, name := range credentialParameters {
		// A parameter without a value counts as left out, and none may be repeated (section 3.2).
		if value, count := form.Get(name); count > 1 || value != "" {
			return false
		}
	}
	id, count := form.Get("client_id")
	return count <= 1 && (id == "" || id == clientID)
}

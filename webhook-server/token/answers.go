package token

import (
	"net/http"
	"strconv"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// Outcome is what came of one request; the set is closed, so that requests can be counted by it.
type Outcome string

// The outcomes of a token request.
const (
	Issued           Outcome = "issued"
	BadClient        Outcome = "invalid_client"
	BadRequest       Outcome = "invalid_request"
	BadGrantType     Outcome = "unsupported_grant_type"
	BadScope         Outcome = "invalid_scope"
	MethodNotAllowed Outcome = "method_not_allowed"
	// NotReady: the serving documents have not been read yet.
	NotReady Outcome = "not_ready"
	// BodyTimeout: the body did not arrive in time.
	BodyTimeout Outcome = "body_timeout"
	// Failed: signing failed, or a panic. Both are logged.
	Failed Outcome = "failed"
)

// Outcomes lists every outcome, so that counters can begin at zero.
func Outcomes() []Outcome {
	return []Outcome{Issued, BadClient, BadRequest, BadGrantType, BadScope, MethodNotAllowed, NotReady, BodyTimeout, Failed}
}

var (
	invalidClientBody = []byte(`{"error":"invalid_client"}`)
	challenge         = []string{`Basic realm="d1", charset="UTF-8"`}
)

// badRequestBodies are both D1's closed error object and that of RFC 6749 section 5.2.
var badRequestBodies = map[problem][]byte{
	invalidRequest:       []byte(`{"error":"invalid_request","errorCode":"FIELD_INVALID_FORMAT"}`),
	invalidScope:         []byte(`{"error":"invalid_scope","errorCode":"FIELD_INVALID_FORMAT"}`),
	unsupportedGrantType: []byte(`{"error":"unsupported_grant_type","errorCode":"FIELD_INVALID_FORMAT"}`),
}

// writeRefusal answers every outcome but Issued.
func writeRefusal(w http.ResponseWriter, o Outcome, retryAfter time.Duration) {
	httpx.NoStore(w.Header())
	switch o {
	case BadClient:
		// The document lists no 401; RFC 6749 section 5.2 requires it.
		w.Header()["Www-Authenticate"] = challenge
		httpx.WriteJSON(w, http.StatusUnauthorized, invalidClientBody)
	case BadRequest, BadGrantType, BadScope:
		httpx.WriteJSON(w, http.StatusBadRequest, badRequestBodies[problem(o)])
	case MethodNotAllowed:
		httpx.MethodNotAllowed(w, http.MethodPost)
	default:
		httpx.Unavailable(w, retryAfter)
	}
}

// The answer to a token request (RFC 6749 section 5.1) is written around the token: head, token, tail.
const answerHead = `{"access_token":"`

// appendTail appends what follows the token. The scope stands there only when it differs from what was asked for.
func appendTail(b []byte, dialect api.Dialect, lifetime time.Duration, expires time.Time, asked, granted string) []byte {
	b = append(b, `","token_type":"Bearer","expires_in":`...)
	seconds := int64(lifetime / time.Second)
	if dialect == api.DialectIssuer {
		b = append(b, '"')
		b = strconv.AppendInt(b, seconds, 10)
		b = append(b, '"')
	} else {
		b = strconv.AppendInt(b, seconds, 10)
	}
	b = append(b, `,"expires_at":"`...)
	b = expires.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, '"')
	if granted != asked {
		b = append(b, `,"scope":`...)
		b = appendJSON(b, granted)
	}
	return append(b, '}')
}

package token

import (
	"net/http"
	"strconv"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// Outcome is what came of one request; the set is closed, so that requests can be counted by it.
type Outcome = clientauth.Outcome

// The outcomes of a token request, beside the refusals of clientauth.
const (
	Issued           Outcome = "issued"
	BadGrantType     Outcome = "unsupported_grant_type"
	BadScope         Outcome = "invalid_scope"
	MethodNotAllowed Outcome = "method_not_allowed"
	// Failed: signing failed, or a panic. Both are logged.
	Failed Outcome = "failed"
)

// Outcomes lists every outcome, so that counters can begin at zero.
func Outcomes() []Outcome {
	return append([]Outcome{Issued, BadGrantType, BadScope, MethodNotAllowed, Failed}, clientauth.Refusals()...)
}

// These are, beside invalid_request's in clientauth, both D1's closed error object and that of RFC 6749 section 5.2.
var (
	badGrantTypeBody = []byte(`{"error":"unsupported_grant_type","errorCode":"FIELD_INVALID_FORMAT"}`)
	badScopeBody     = []byte(`{"error":"invalid_scope","errorCode":"FIELD_INVALID_FORMAT"}`)
)

// writeRefusal answers every outcome but Issued.
func writeRefusal(w http.ResponseWriter, o Outcome, retryAfter time.Duration) {
	httpx.NoStore(w.Header())
	switch o {
	case BadGrantType:
		httpx.WriteJSON(w, http.StatusBadRequest, badGrantTypeBody)
	case BadScope:
		httpx.WriteJSON(w, http.StatusBadRequest, badScopeBody)
	case MethodNotAllowed:
		httpx.MethodNotAllowed(w, http.MethodPost)
	case Failed:
		httpx.Unavailable(w, retryAfter)
	default:
		clientauth.WriteRefusal(w, o, retryAfter)
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
		b = httpx.AppendString(b, granted)
	}
	return append(b, '}')
}

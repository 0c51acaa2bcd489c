package notification

import (
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// Outcome is what came of one call; the set is closed, so that calls can be counted by it.
type Outcome string

// The outcomes of a notify-update call.
const (
	// Accepted: the notification is durable, 204.
	Accepted Outcome = "accepted"
	// Merged: an earlier notification that is durable and has not been attempted tells the destination of this one too, 204.
	Merged Outcome = "merged"
	// Forwarded: a Synchronous destination has taken it, 204.
	Forwarded Outcome = "forwarded"
	// InvalidField: 400 that names the field.
	InvalidField Outcome = "invalid_field"
	// Unauthenticated: no bearer token, or the client certificate is not accepted, 401.
	Unauthenticated Outcome = "unauthenticated"
	// InvalidToken: a bearer token that is not good here, 401.
	InvalidToken    Outcome = "invalid_token"
	UnknownGateway  Outcome = "unknown_gateway"
	UnknownMerchant Outcome = "unknown_merchant"
	UnknownToken    Outcome = "unknown_token"
	// MerchantError: a Synchronous destination has refused it for good, 500.
	MerchantError    Outcome = "merchant_error"
	MethodNotAllowed Outcome = "method_not_allowed"
	// NotFound: the path is not that of a notify-update call.
	NotFound Outcome = "not_found"

	// The outcomes below are 503: D1 sends it again.

	// NotReady: the serving documents have not been read yet.
	NotReady Outcome = "not_ready"
	// BodyTimeout: the body did not arrive in time.
	BodyTimeout Outcome = "body_timeout"
	// LookupFailed: whether the token exists could not be found out.
	LookupFailed Outcome = "lookup_failed"
	// TokenTooNew: the token is unknown, but was seen for the first time only just now.
	TokenTooNew Outcome = "token_too_new"
	StoreFull   Outcome = "store_full"
	StoreFailed Outcome = "store_failed"
	// ForwardFailed: a Synchronous destination could not take it now.
	ForwardFailed Outcome = "forward_failed"
	// Failed: a panic before the notification was durable; it is logged.
	Failed Outcome = "failed"
)

// Outcomes lists every outcome, so that counters can begin at zero.
func Outcomes() []Outcome {
	return []Outcome{
		Accepted, Merged, Forwarded, InvalidField, Unauthenticated, InvalidToken, UnknownGateway, UnknownMerchant, UnknownToken, MerchantError,
		MethodNotAllowed, NotFound, NotReady, BodyTimeout, LookupFailed, TokenTooNew, StoreFull, StoreFailed, ForwardFailed, Failed,
	}
}

// The fields that an InvalidField names.
const (
	fieldGatewayID       = "merchantGatewayId"
	fieldMerchantID      = "merchantId"
	fieldTokenID         = "tokenId"
	fieldAuthorization   = "authorization"
	fieldContentType     = "content-type"
	fieldContentEncoding = "content-encoding"
	fieldBody            = "body"
	fieldUpdateType      = "updateType"
)

var (
	unknownGatewayBody  = []byte(`{"errorCode":"UNKNOWN_MERCHANT","error":"` + fieldGatewayID + `"}`)
	unknownMerchantBody = []byte(`{"errorCode":"UNKNOWN_MERCHANT","error":"` + fieldMerchantID + `"}`)
	unknownTokenBody    = []byte(`{"errorCode":"UNKNOWN_TOKEN","error":"` + fieldTokenID + `"}`)
	merchantErrorBody   = []byte(`{"errorCode":"MERCHANT_ERROR"}`)

	noTokenChallenge      = []string{`Bearer realm="d1"`}
	invalidTokenChallenge = []string{`Bearer realm="d1", error="invalid_token"`} // RFC 6750 section 3
)

// answer is an outcome and, for InvalidField, the field.
type answer struct {
	outcome Outcome
	field   string
}

// write is the one place where a call is answered.
func (a answer) write(w http.ResponseWriter, retryAfter time.Duration) {
	switch a.outcome {
	case Accepted, Merged, Forwarded:
		httpx.WriteEmpty(w, http.StatusNoContent)
	case InvalidField:
		httpx.WriteJSON(w, http.StatusBadRequest, []byte(`{"errorCode":"FIELD_INVALID_FORMAT","error":"`+a.field+`"}`))
	case Unauthenticated:
		w.Header()["Www-Authenticate"] = noTokenChallenge
		httpx.WriteEmpty(w, http.StatusUnauthorized)
	case InvalidToken:
		w.Header()["Www-Authenticate"] = invalidTokenChallenge
		httpx.WriteEmpty(w, http.StatusUnauthorized)
	case UnknownGateway:
		httpx.WriteJSON(w, http.StatusNotFound, unknownGatewayBody)
	case UnknownMerchant:
		httpx.WriteJSON(w, http.StatusNotFound, unknownMerchantBody)
	case UnknownToken:
		httpx.WriteJSON(w, http.StatusNotFound, unknownTokenBody)
	case MerchantError:
		httpx.WriteJSON(w, http.StatusInternalServerError, merchantErrorBody)
	case MethodNotAllowed:
		httpx.MethodNotAllowed(w, http.MethodPost)
	case NotFound:
		httpx.WriteEmpty(w, http.StatusNotFound)
	default:
		httpx.Unavailable(w, retryAfter)
	}
}
